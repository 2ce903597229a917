export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns what stands at `a.b.0.c`; `undefined` where nothing does. A key with dots in it is no part of a path. */
export function at(value: Json | undefined, path: string): Json | undefined {
  return path.split('.').reduce<Json | undefined>((inner, key) => {
    if (Array.isArray(inner)) return (inner as readonly Json[])[Number(key)];
    return isObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined;
  }, value);
}

/** A value as a text: an object or a list as JSON, nothing as an empty text. */
export function asText(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

/** A list, empty where there is none. */
export function listAt(value: Json | undefined, path: string): readonly JsonObject[] {
  return (at(value, path) ?? []) as readonly JsonObject[];
}

/** Values over values: objects are merged, everything else is replaced. */
export function over(below: JsonObject, above: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const present = merged[key];
    merged[key] = isObject(present) && isObject(value) ? over(present, value) : value;
  }
  return merged;
}

/** Every text in it, keys left out. */
export function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner: Json) => textsIn(inner));
}
