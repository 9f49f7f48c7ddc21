import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** A database (of full sync, for what is said of commits) as its owner works with it. */
export interface Statements {
  /** A statement, prepared once. */
  sql(text: string): StatementSync;
  /** Runs `work` in one transaction, or as part of one: on the disk when it returns, not at all when it throws. */
  commit<T>(work: () => T): T;
}

export function prepareStatements(database: DatabaseSync): Statements {
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = database.prepare(text);
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
        if (database.isTransaction) sql('ROLLBACK').run();
        throw cause;
      }
    },
  };
}
