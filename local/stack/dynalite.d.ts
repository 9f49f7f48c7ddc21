declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** A DynamoDB on LevelDB; without a path, in memory. */
  export default function dynalite(options: {
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}
