// Checks of single values, each returning what Kubernetes says of a bad one, or undefined. Source: Kubernetes'
// "Object Names and IDs" and "Labels and Selectors".
import { ipv4, isIpv6 } from "../crd/formats.ts";

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const label1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const qualified = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const configKey = /^[-._a-zA-Z0-9]+$/;

type Check = (value: string) => string | undefined;

const labelWords =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const label1035Words =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const subdomainWords =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelValueWords =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const qualifiedWords =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const atMost = (size: number): string => `must be no more than ${size} characters`;

export const dnsLabel: Check = (value) => (value.length > 63 ? atMost(63) : label.test(value) ? undefined : labelWords);
export const dns1035: Check = (value) =>
  value.length > 63 ? atMost(63) : label1035.test(value) ? undefined : label1035Words;
export const dnsSubdomain: Check = (value) =>
  value.length > 253 ? atMost(253) : subdomain.test(value) ? undefined : subdomainWords;
export const isLabelValue: Check = (value) =>
  value.length > 63 ? atMost(63) : labelValue.test(value) ? undefined : labelValueWords;
export const isConfigKey: Check = (value) =>
  value.length > 253
    ? atMost(253)
    : configKey.test(value) && value !== "." && value !== ".."
      ? undefined
      : "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

export const qualifiedName: Check = (value) => {
  const slash = value.indexOf("/");
  const prefix = slash < 0 ? undefined : value.slice(0, slash);
  if (prefix === "") return "prefix part must be non-empty";
  if (prefix !== undefined && !subdomain.test(prefix)) return `prefix part ${subdomainWords}`;
  const name = value.slice(slash + 1);
  if (name === "") return "name part must be non-empty";
  return name.length > 63 ? `name part ${atMost(63)}` : qualified.test(name) ? undefined : qualifiedWords;
};

/** Everything that is wrong with a port's name: the API server tells all of it at once. */
export function portNameFaults(value: string): readonly string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [value.length <= 15, atMost(15)],
    [/^[-a-z0-9]+$/.test(value), "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"],
    [/[a-z]/.test(value), "must contain at least one letter (a-z)"],
    [!value.includes("--"), "must not contain consecutive hyphens"],
    [!value.startsWith("-") && !value.endsWith("-"), "must not begin or end with a hyphen"],
  ];
  return rules.filter(([good]) => !good).map(([, words]) => words);
}

export const portName: Check = (value) => portNameFaults(value)[0];

export const isPort = (value: unknown): string | undefined =>
  typeof value === "number" && value >= 1 && value <= 65535 ? undefined : "must be between 1 and 65535, inclusive";

export const portNumberOrName = (value: unknown): string | undefined =>
  typeof value === "string" ? portName(value) : isPort(value);

export const envName: Check = (value) =>
  /^[ -<>-~]+$/.test(value)
    ? undefined
    : "a valid environment variable name must consist only of printable ASCII characters other than '='";

export const isAddress: Check = (value) =>
  ipv4.test(value) || isIpv6(value) ? undefined : "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

export const isCidr: Check = (value) => {
  const [address = "", bits = "", rest] = value.split("/");
  const good = rest === undefined && /^\d{1,3}$/.test(bits) && isAddress(address) === undefined;
  return good && Number(bits) <= (address.includes(":") ? 128 : 32)
    ? undefined
    : "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
};

/** A number not below zero, or a percentage. */
export const intOrPercent = (value: unknown): string | undefined => {
  if (typeof value === "string") {
    return /^[0-9]+%$/.test(value)
      ? undefined
      : "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  }
  return typeof value === "number" && value < 0 ? "must be greater than or equal to 0" : undefined;
};
