/**
 * JSON schemas of Kubernetes' objects for kubeconform, made of what the projects themselves publish in their Go modules: the
 * API server's OpenAPI document and the custom resource definitions. Unknown fields are refused, as by `kubectl --validate=strict`.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CACHE, findModule } from './go-tool.ts';
import { at, isObject, listAt, type Json, type JsonObject, asText } from './json.ts';

const KUBERNETES = { module: 'k8s.io/kubernetes', version: 'v1.34.4', file: 'api/openapi-spec/swagger.json' };

/** Definitions of the custom resources that the chart can make. */
const CUSTOM_RESOURCES = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    files: ['servicemonitors', 'podmonitors', 'prometheusrules'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
  { module: 'github.com/kedacore/keda/v2', version: 'v2.16.1', files: ['config/crd/bases/keda.sh_scaledobjects.yaml'] },
  {
    module: 'sigs.k8s.io/gateway-api',
    version: 'v1.4.1',
    files: ['config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
  },
] as const;

/** How kubeconform finds a schema: `deployment-apps-v1.json`, `service-v1.json`. */
const FILE_PATTERN = '{{ .ResourceKind }}{{ .KindSuffix }}.json';

function fileName(group: string, version: string, kind: string): string {
  return [kind.toLowerCase(), group.split('.')[0] ?? '', version].filter((part) => part !== '').join('-') + '.json';
}

/** Refuses what is not named wherever something is named. */
function strict(schema: Json): Json {
  if (Array.isArray(schema)) return (schema as readonly Json[]).map(strict);
  if (!isObject(schema)) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  // An array where the object is a map of properties is no keyword: only objects of keywords have a `type`.
  const isClosed = isObject(schema['properties']) && schema['type'] === 'object';
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || 'additionalProperties' in schema;
  if (schema['format'] === 'int-or-string') return { oneOf: [{ type: 'string' }, { type: 'integer' }] };
  return isClosed && !isOpen ? { ...inner, additionalProperties: false } : inner;
}

/** Names of the definitions that a schema needs, itself and what those need included. */
function closure(name: string, definitions: JsonObject, found: Set<string>): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, inner = ''] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    closure(inner, definitions, found);
  }
  return found;
}

async function kubernetesSchemas(folder: string): Promise<ReadonlyMap<string, JsonObject>> {
  const document = JSON.parse(await readFile(join(folder, KUBERNETES.file), 'utf8')) as JsonObject;
  const definitions: JsonObject = {
    ...(document['definitions'] as JsonObject),
    // A number is a quantity too.
    'io.k8s.apimachinery.pkg.api.resource.Quantity': { oneOf: [{ type: 'string' }, { type: 'number' }] },
  };
  const schemas = new Map<string, JsonObject>();
  for (const [name, definition] of Object.entries(definitions)) {
    for (const { group, version, kind } of listAt(definition, 'x-kubernetes-group-version-kind')) {
      // The options of requests name every group and version; objects have exactly one.
      if (listAt(definition, 'x-kubernetes-group-version-kind').length > 1) continue;
      const needed = [...closure(name, definitions, new Set())];
      schemas.set(fileName(asText(group), asText(version), asText(kind)), {
        $ref: `#/definitions/${name}`,
        definitions: Object.fromEntries(needed.map((inner) => [inner, strict(definitions[inner]!)])),
      });
    }
  }
  return schemas;
}

async function customSchemas(file: string): Promise<ReadonlyMap<string, Json>> {
  const schemas = new Map<string, Json>();
  for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
    const definition = document.toJS() as JsonObject | null;
    if (definition === null) continue;
    for (const version of listAt(definition, 'spec.versions')) {
      const [group, kind] = [at(definition, 'spec.group'), at(definition, 'spec.names.kind')];
      schemas.set(
        fileName(asText(group), asText(version['name']), asText(kind)),
        strict(at(version, 'schema.openAPIV3Schema')!),
      );
    }
  }
  return schemas;
}

async function make(folder: string): Promise<void> {
  const kubernetes = await findModule(KUBERNETES.module, KUBERNETES.version);
  if (kubernetes === undefined) throw new Error('the schemas of Kubernetes come as a Go module: Go must be on PATH');
  const all = new Map<string, Json>(await kubernetesSchemas(kubernetes));
  for (const { module, version, files } of CUSTOM_RESOURCES) {
    const from = await findModule(module, version);
    for (const file of files) {
      for (const [name, schema] of await customSchemas(join(from ?? '', file))) all.set(name, schema);
    }
  }
  await mkdir(folder, { recursive: true });
  await Promise.all([...all].map(([name, schema]) => writeFile(join(folder, name), JSON.stringify(schema))));
}

/** Where kubeconform finds the schemas, made once: what its `-schema-location` takes. */
export async function schemaLocation(): Promise<string> {
  const versions = [KUBERNETES, ...CUSTOM_RESOURCES].map(({ version }) => version).join('-');
  const folder = join(CACHE, `kube-schemas-${versions}`);
  const isMade = await readFile(join(folder, 'service-v1.json')).then(
    () => true,
    () => false,
  );
  if (!isMade) {
    // Whole or not at all, though a run that was interrupted left a part.
    const partial = `${folder}.${process.pid}`;
    await make(partial);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  }
  return join(folder, FILE_PATTERN);
}
