import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const SOLC = fileURLToPath(new URL('../../dev/contracts/solc', import.meta.url));
const OPENZEPPELIN = '@openzeppelin/contracts';
const COMPILE_TIMEOUT_MS = 60_000;
const PARTS = [
  ...['token/ERC20/ERC20.sol', 'token/ERC20/IERC20.sol', 'token/ERC20/extensions/IERC20Metadata.sol'],
  ...['utils/Context.sol', 'interfaces/draft-IERC6093.sol'],
] as const;

/** OpenZeppelin's ERC-20; some tokens refuse, as it can be told to, to change an allowance that is not zero. */
const SOURCE = `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "${OPENZEPPELIN}/token/ERC20/ERC20.sol";

contract TestToken is ERC20("Test", "TST") {
    bool public stubborn;
    bool public deaf;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setOddities(bool isStubborn, bool isDeaf) external {
        (stubborn, deaf) = (isStubborn, isDeaf);
    }

    function approve(address spender, uint256 amount) public override returns (bool) {
        if (deaf) return false;
        require(!stubborn || amount == 0 || allowance(msg.sender, spender) == 0, "set it to zero first");
        return super.approve(spender, amount);
    }
}`;

const output = z.looseObject({
  contracts: z.looseObject({
    'TestToken.sol': z.object({
      TestToken: z.object({ abi: z.array(z.any()), evm: z.object({ bytecode: z.object({ object: z.string() }) }) }),
    }),
  }),
});

/** Compiled as the project's contracts are, by the pinned compiler. */
export function compileToken(): { abi: z.core.util.JSONType[]; bytecode: string } {
  const part = (path: string) => {
    const file = fileURLToPath(new URL(`../../node_modules/${OPENZEPPELIN}/${path}`, import.meta.url));
    return [`${OPENZEPPELIN}/${path}`, { content: readFileSync(file, 'utf8') }];
  };
  const input = JSON.stringify({
    language: 'Solidity',
    sources: { 'TestToken.sol': { content: SOURCE }, ...Object.fromEntries(PARTS.map(part)) },
    settings: { evmVersion: 'cancun', outputSelection: { '*': { TestToken: ['abi', 'evm.bytecode.object'] } } },
  });
  const compiled = execFileSync(SOLC, ['--standard-json'], { input, timeout: COMPILE_TIMEOUT_MS, encoding: 'utf8' });
  const { abi, evm } = output.parse(JSON.parse(compiled)).contracts['TestToken.sol'].TestToken;
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}
