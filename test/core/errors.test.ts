import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AnswerTooLongError } from '../../adapters/ethereum/post-request.ts';
import { RpcRefusedError } from '../../adapters/ethereum/read-rpc-answer.ts';
import { SaleStateBusyError, SaleStateError } from '../../client/sale/sale-state.ts';
import * as errors from '../../core/errors.ts';
import { NotProvenError } from '../../device/check/check-batch.ts';
import { BrokerError } from '../../device/mqtt/broker-error.ts';
import * as outbox from '../../device/outbox/errors.ts';
import { ProvisionError } from '../../device/provision/read-provision.ts';
import { StackBusyError } from '../../local/stack/stack-lock.ts';

/** Whose turn it is after each error, written down by hand: exit codes and problem documents follow from it alone. */
const STATED: readonly (readonly [errors.PlumblineError, errors.ErrorKind])[] = [
  [new errors.ArgumentError('x'), 'arguments'],
  [new errors.FileError('x'), 'file'],
  [new errors.AnswerError('x'), 'answer'],
  [new errors.ChainAnswerError('x'), 'chain'],
  [new errors.StateError('x'), 'state'],
  [new errors.DefectError('x'), 'defect'],
  [new errors.SegmentError('x', 'byte 7'), 'answer'],
  [new errors.ProofError('x'), 'answer'],
  [new errors.KeyError('x'), 'arguments'],
  [new errors.NotRecordedError('x'), 'not-recorded'],
  [new errors.LedgerUnavailableError('x'), 'chain'],
  [new errors.StoreUnavailableError('x'), 'unavailable'],
  [new errors.RequestRefusedError('x', { type: '/problems/quota', status: 403 }), 'refused'],
  [new RpcRefusedError('eth_call', 3, 'reverted', null), 'chain'],
  [new AnswerTooLongError('x'), 'chain'],
  [new SaleStateError('x'), 'file'],
  [new SaleStateBusyError('x'), 'state'],
  [new outbox.OutboxDamagedError('x'), 'file'],
  [new outbox.BatchDamagedError('x', 1), 'file'],
  [new outbox.BlocksDamagedError('x', { fromSeq: 0, toSeq: 1 }), 'file'],
  [new outbox.OutboxUnavailableError('x'), 'unavailable'],
  [new outbox.BatchReplacedError('x'), 'state'],
  [new outbox.OutboxBusyError('x'), 'state'],
  [new outbox.OutboxMismatchError('x'), 'file'],
  [new NotProvenError('x'), 'answer'],
  [new ProvisionError('x', 'rpcUrl'), 'file'],
  [new BrokerError('x', 'refused'), 'refused'],
  [new StackBusyError('x'), 'state'],
];

describe('errors', () => {
  it('say whose turn it is', () => {
    for (const [error, kind] of STATED) {
      assert.equal(error.kind, kind, error.constructor.name);
      assert.equal(error.toJSON().kind, kind, error.constructor.name);
    }
  });

  it('are all stated here, as far as core and the outbox have them', () => {
    const stated = new Set<unknown>(STATED.map(([error]) => error.constructor));
    for (const [name, value] of Object.entries({ ...errors, ...outbox })) {
      if (typeof value !== 'function' || !(value.prototype instanceof Error)) continue;
      if (value === errors.PlumblineError) continue;
      assert.ok(stated.has(value), `${name} is missing here`);
    }
  });
});
