// The formats of strings that custom resources' schemas may name and the API server enforces. Unknown ones refuse nothing.

const date = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const dateTime =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const duration = /^-?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)(((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*)$/;
const octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${octet}(\\.${octet}){3}$`);
const hostname = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const ipv6Characters = /^[0-9a-fA-F:.]+$/;

function isIpv6(text: string): boolean {
  if (!ipv6Characters.test(text) || !text.includes(":")) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const part of halves.flatMap((half) => (half === "" ? [] : half.split(":")))) {
    if (ipv4.test(part)) groups += 2;
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups++;
    else return false;
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

function isCidr(text: string): boolean {
  const [address = "", bits = "", rest] = text.split("/");
  if (rest !== undefined || !/^\d{1,3}$/.test(bits)) return false;
  return ipv4.test(address) ? Number(bits) <= 32 : isIpv6(address) && Number(bits) <= 128;
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
}

const formats: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["date", (text: string) => date.test(text)],
  ["date-time", (text: string) => dateTime.test(text)],
  ["datetime", (text: string) => dateTime.test(text)],
  ["duration", (text: string) => text === "0" || duration.test(text)],
  ["ipv4", (text: string) => ipv4.test(text)],
  ["ipv6", isIpv6],
  ["cidr", isCidr],
  ["byte", isBase64],
  ["hostname", (text: string) => text.length <= 255 && hostname.test(text)],
  ["uuid", (text: string) => uuid.test(text)],
  ["email", (text: string) => /^[^@\s]+@[^@\s]+$/.test(text)],
  ["uri", (text: string) => URL.canParse(text)],
]);

export function formatOf(name: string): ((text: string) => boolean) | undefined {
  return formats.get(name);
}
export { ipv4, isIpv6 };
