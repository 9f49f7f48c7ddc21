/** What Kubo answers with status 500 and a message, unless another status is named. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly status: number;

  constructor(message: string, status = 500) {
    super(message);
    this.status = status;
  }
}
