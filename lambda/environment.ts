import * as z from 'zod';
import { DefectError, StateError } from '../core/errors.ts';
import { type Address, address } from '../core/ids.ts';
import type { Observer } from '../functions/observe/observer.ts';
import type { FunctionRow } from '../functions/row.ts';
import { type Variable, variablesOf } from './variables.ts';

type Values = Readonly<Record<string, string | undefined>>;

/** What Lambda itself tells a function. */
export interface LambdaVariables {
  readonly region: string;
  /** Instead of AWS's own Secrets Manager, as the clients of AWS read it. */
  readonly secretsEndpoint: string | null;
  /** @throws StateError when Lambda gave none */
  readonly credentials: () => { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/** A function's environment, read by name and by kind. What is absent or malformed is named, its value never. */
export class Environment {
  readonly #values: Values;
  readonly #row: FunctionRow;
  readonly #readable: ReadonlySet<Variable>;
  readonly #opened = new Map<string, Promise<unknown>>();
  /** Where what is opened says what happens later. */
  readonly observer: Observer;

  constructor(row: FunctionRow, values: Values, observer: Observer) {
    this.observer = observer;
    this.#values = values;
    this.#row = row;
    this.#readable = variablesOf(row);
  }

  get lambda(): LambdaVariables {
    const { AWS_REGION, AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsEndpoint = null } = this.#values;
    return {
      region: parse('AWS_REGION', z.string().min(1), AWS_REGION),
      secretsEndpoint,
      credentials: () => {
        const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = this.#values;
        const sessionToken = this.#values.AWS_SESSION_TOKEN;
        if (accessKeyId === undefined || secretAccessKey === undefined) {
          throw new StateError('The environment lacks the credentials that Lambda gives to its function.');
        }
        return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
      },
    };
  }

  text(name: Variable): string {
    return this.#read(name, z.string().min(1));
  }

  url(name: Variable): string {
    return this.#read(name, z.url());
  }

  address(name: Variable): Address {
    return this.#read(name, addressText);
  }

  /** A number of bytes, ms, wei or blocks of at most 30 digits. An empty variable is not 0. */
  whole(name: Variable): bigint {
    return this.#read(name, wholeText);
  }

  /** What `read` makes of the variable; null when there is none. */
  optional<T>(name: Variable, read: (name: Variable) => T): T | null {
    return this.#valueOf(name) === undefined ? null : read.call(this, name);
  }

  /** What two rights share is opened once. */
  once<T>(name: string, open: () => Promise<T>): Promise<T> {
    const opened = (this.#opened.get(name) as Promise<T> | undefined) ?? open();
    this.#opened.set(name, opened);
    return opened;
  }

  #read<T extends z.ZodType>(name: Variable, schema: T): z.output<T> {
    return parse(name, schema, this.#valueOf(name));
  }

  #valueOf(name: Variable): string | undefined {
    if (this.#readable.has(name)) return this.#values[name];
    throw new DefectError(`The row of ${this.#row.name} does not allow ${name}. See lambda/variables.ts.`);
  }
}

const wholeText = z
  .string()
  .regex(/^[0-9]{1,30}$/)
  .transform(BigInt);
const addressText = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform(address);

function parse<T extends z.ZodType>(name: string, schema: T, value: string | undefined): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw malformed(name);
}

function malformed(name: string): StateError {
  return new StateError(`The environment lacks ${name}, or it is malformed. Deploy the function with it.`);
}
