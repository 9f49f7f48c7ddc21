import type { DatabaseSync, StatementSync } from 'node:sqlite';

export type Statement = Pick<StatementSync, 'get' | 'all' | 'run' | 'iterate'>;

/** A database (of full sync, for what is said of commits) as its owner works with it. */
export interface Statements {
  /** A statement, prepared once. */
  sql(text: string): Statement;
  /** Runs `work` in one transaction, or as part of one: on the disk when it returns, not at all when it throws. */
  commit<T>(work: () => T): T;
}

/** @param explain makes of what SQLite throws what the owner of the database throws */
export function prepareStatements(
  database: DatabaseSync,
  explain: (cause: unknown) => unknown = (cause) => cause,
): Statements {
  const attempt = <T>(run: () => T): T => {
    try {
      return run();
    } catch (cause) {
      throw explain(cause);
    }
  };
  const statements = new Map<string, Statement>();
  const sql = (text: string): Statement => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = guarded(
        attempt(() => database.prepare(text)),
        attempt,
      );
      statements.set(text, statement);
    }
    return statement;
  };
  return {
    sql,
    commit(work) {
      if (database.isTransaction) return work();
      sql('BEGIN IMMEDIATE').run();
      try {
        const result = work();
        sql('COMMIT').run();
        return result;
      } catch (cause) {
        if (database.isTransaction) rollBack(database);
        throw cause;
      }
    },
  };
}

/** A disk that fails may fail here, too: SQLite then rolls back by itself before it begins anew. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch (cause) {
    if (database.isTransaction) throw cause;
  }
}

function guarded(statement: StatementSync, attempt: <T>(run: () => T) => T): Statement {
  const guard =
    <Given extends unknown[], T>(run: (...given: Given) => T) =>
    (...given: Given): T =>
      attempt(() => run.apply(statement, given));
  const iterate = guard(statement.iterate) as Statement['iterate'];
  return {
    get: guard(statement.get) as Statement['get'],
    all: guard(statement.all) as Statement['all'],
    run: guard(statement.run) as Statement['run'],
    iterate: ((...given: Parameters<Statement['iterate']>) =>
      guardRows(iterate(...given), attempt)) as Statement['iterate'],
  };
}

/** What fails while rows are read one by one. */
function* guardRows<T>(rows: Iterator<T>, attempt: <U>(run: () => U) => U): Generator<T> {
  try {
    for (let row = attempt(() => rows.next()); row.done !== true; row = attempt(() => rows.next())) yield row.value;
  } finally {
    rows.return?.();
  }
}
