/** The part of JSON Schema that the configuration is written in. TypeBox schemas are such objects. */
export interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly description?: string;
  /** Completes "expected …". */
  readonly expected?: string;
}

export const propertiesOf = (shape: Shape): [string, Shape][] =>
  Object.entries(shape.properties ?? {});

/** "expected …" of a shape that has no words of its own. */
export function expectedOf(shape: Shape): string {
  if (shape.expected !== undefined) return shape.expected;
  if (shape.const !== undefined) return `"${shape.const}"`;
  const options = constantsOf(shape);
  if (options.length > 0) return `one of ${options.join(', ')}`;
  if (shape.type === 'object') return 'a section of keys and values';
  if (shape.type === 'array') return 'a list';
  return shape.type === 'boolean' ? 'true or false' : `a ${shape.type ?? 'value'}`;
}

/** The words of a choice between words; empty when it is something else. */
export function constantsOf(shape: Shape): readonly string[] {
  const options = shape.anyOf?.map((option) => option.const) ?? [];
  return options.every((option) => typeof option === 'string') ? (options as string[]) : [];
}

/** A harmless value of the right type, so that later checks can go on after an error. */
export function placeholder(shape: Shape): unknown {
  if (shape.default !== undefined && shape.type !== 'object') return shape.default;
  if (shape.const !== undefined) return shape.const;
  if (shape.anyOf !== undefined) return placeholder(shape.anyOf[0] ?? {});
  switch (shape.type) {
    case 'object': {
      const required = new Set(shape.required ?? []);
      return Object.fromEntries(
        propertiesOf(shape)
          .filter(([name]) => required.has(name))
          .map(([name, property]) => [name, placeholder(property)]),
      );
    }
    case 'array':
      return [];
    case 'boolean':
      return false;
    case 'number':
    case 'integer':
      return shape.minimum ?? 0;
    default:
      return '';
  }
}

/** The schema for editors: what has a default may be left out. */
export function jsonSchema(shape: Shape): Record<string, unknown> {
  const { expected: _, properties, patternProperties, items, anyOf, required, ...rest } = shape;
  const each = (record: Readonly<Record<string, Shape>>) =>
    Object.fromEntries(Object.entries(record).map(([name, child]) => [name, jsonSchema(child)]));
  const needed = (required ?? []).filter((name) => properties?.[name]?.default === undefined);
  return {
    ...rest,
    ...(properties === undefined ? {} : { properties: each(properties) }),
    ...(patternProperties === undefined ? {} : { patternProperties: each(patternProperties) }),
    ...(items === undefined ? {} : { items: jsonSchema(items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(jsonSchema) }),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
}
