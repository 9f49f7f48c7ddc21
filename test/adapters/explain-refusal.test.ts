import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AbiCoder, id } from 'ethers';
import { explainRefusal } from '../../adapters/ethereum/explain-refusal.ts';
import { ocascInterface } from '../../adapters/ethereum/ocasc-interface.ts';
import { RpcRefusedError } from '../../adapters/ethereum/read-rpc-answer.ts';
import { ArgumentError, DefectError, StateError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';

const contract = { name: 'OCASC', at: `0x${'0c'.repeat(20)}` as Address, abi: ocascInterface };
const ID = `0x${'11'.repeat(32)}`;
const refusedWith = (data: string | null, said = 'execution reverted') =>
  explainRefusal(contract, new RpcRefusedError('eth_call', 3, said, data));
const solidity = (signature: string, type: string, value: unknown) =>
  `${id(signature).slice(0, 10)}${AbiCoder.defaultAbiCoder().encode([type], [value]).slice(2)}`;

for (const [what, error, turn, says] of [
  ['too early', ocascInterface.encodeErrorResult('OCASC_TooEarly', [ID, 5, 9]), StateError, /in 4 s/],
  ['a state that is over', ocascInterface.encodeErrorResult('OCASC_WrongState', [ID, 7]), StateError, /closed/],
  ['an id that nobody has', ocascInterface.encodeErrorResult('OCASC_WrongState', [ID, 0]), ArgumentError, /no such/],
  ['another sum', ocascInterface.encodeErrorResult('OCASC_WrongValue', [1, 2]), ArgumentError, /WrongValue/],
  ['a token that is paused', solidity('Error(string)', 'string', 'paused'), StateError, /paused/],
  ['a token that gives no name', '0x12345678', StateError, /an unknown reason \(0x12345678\)/],
  ['no data', '0x', StateError, /an unknown reason|names no reason/],
  ['arithmetic that fails', solidity('Panic(uint256)', 'uint256', 17), DefectError, /Panic/],
] as const) {
  test(`a refusal for ${what} is one of turn: ${turn.name}`, () => {
    const explained = refusedWith(error);
    assert.ok(explained instanceof turn, String(explained));
    assert.match(explained.message, says);
  });
}
