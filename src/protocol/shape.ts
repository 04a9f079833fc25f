// The JSON shape of a message, as a type: what `toJson` gives and `fromJson` takes. Types only.
import type { Message } from "@bufbuild/protobuf";
import type { Json } from "#base/json.ts";

/** Messages whose JSON is not the object of their fields, by their full name. */
interface SpecialShapes {
  "k8s.io.apimachinery.pkg.apis.meta.v1.Time": string;
  "k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime": string;
  "k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1": Json;
  "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON": Json;
  "k8s.io.apimachinery.pkg.runtime.RawExtension": Json;
  "k8s.io.apimachinery.pkg.util.intstr.IntOrString": number | string;
  "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.OptionalArray": readonly string[];
  "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.OptionalMap": Readonly<Record<string, string>>;
}

export type JsonShape<T> = T extends { $typeName: infer N extends keyof SpecialShapes }
  ? SpecialShapes[N]
  : T extends bigint
    ? number
    : T extends Uint8Array
      ? string
      : T extends Message
        ? { readonly [K in Exclude<keyof T, "$typeName" | "$unknown">]?: JsonShape<NonNullable<T[K]>> }
        : T extends readonly (infer U)[]
          ? readonly JsonShape<U>[]
          : T extends object
            ? { readonly [K in keyof T]: JsonShape<T[K]> }
            : T;
