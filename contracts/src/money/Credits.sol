// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { IOCASC } from "../interfaces/IOCASC.sol";

/// @title Money that comes in for agreements, becomes credits, and goes out
/// @dev What counts is this contract's own balance before and after, not what a token says of a transfer. All that this
/// contract owes in a token, credits and what agreements hold, is counted in `owed`: it changes when money comes in or goes
/// out, not when it moves from an agreement to a credit. Two rules follow from it, for tokens whose balances change by
/// themselves:
///
///   - Of a token of which less is there than is owed, a credit c is paid as c · there / owed, rounded down, and nothing of it
///     comes in: no newcomer takes part in a loss that was there before.
///   - A withdrawal never leaves the others with less of what they are owed than before: if d of a token has left for c of a
///     credit, (there - d) / (owed - c) is no less than there / owed or, where there is enough, there - d no less than
///     owed - c. What a token has moved beyond what it was told is paid for, too.
///
/// So every creditor gets the part that is there of a credit, in whatever order they come. Nobody but a transfer takes the
/// native coin out of a contract: it is not counted.
abstract contract Credits is IOCASC {
    using SafeERC20 for IERC20;

    /// @dev Stands for the native coin.
    address internal constant NATIVE = address(0);

    /// @inheritdoc IOCASC
    mapping(address token => mapping(address account => uint256)) public credit;
    /// @inheritdoc IOCASC
    mapping(address token => uint256) public owed;

    /// @dev Takes `amount` from the caller: out of what the call brings or, if it is a token, of what was approved.
    function _pull(address token, uint256 amount) internal {
        uint256 expected = token == NATIVE ? amount : 0;
        if (msg.value != expected) revert OCASC_WrongValue(msg.value, expected);
        // Some tokens refuse to move nothing
        if (token == NATIVE || amount == 0) return;

        (uint256 held, uint256 total) = (_held(token), owed[token]);
        if (held < total) revert OCASC_TokenShort(token, held, total);
        owed[token] = total + amount;
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 moved = _held(token) - held;
        if (moved != amount) revert OCASC_WrongAmount(token, moved, amount);
    }

    /// @dev What agreement `id` held becomes a credit.
    function _credit(bytes32 id, address token, address account, uint256 amount) internal {
        if (amount == 0) return;
        credit[token][account] += amount;
        emit Credited(token, account, id, amount);
    }

    /// @dev Pays out `amount` of the caller's credit, or what is there of it.
    function _withdraw(address token, address to, uint256 amount) internal {
        // Check: there is a credit to take it out of, and somebody to give it to
        uint256 whole = credit[token][msg.sender];
        if (amount == 0 || amount > whole) revert OCASC_NoCredit(token, msg.sender, amount, whole);
        if (to == address(0)) revert OCASC_ZeroAccount();

        // Effect
        credit[token][msg.sender] = whole - amount;

        // Interact: it goes out
        (uint256 credited, uint256 paid) = (amount, amount);
        if (token == NATIVE) Address.sendValue(payable(to), amount);
        else (credited, paid) = _push(token, to, amount, whole);

        // Log
        emit Withdrawn(token, msg.sender, to, credited, paid);
    }

    /// @dev Sends away what is there of `amount`, a part of the caller's `whole` credit.
    /// @return credited What of the credit that has used up: less or more than `amount` where the token has moved less or more
    /// than it was told to
    /// @return moved What has left this contract
    function _push(address token, address to, uint256 amount, uint256 whole)
        private
        returns (uint256 credited, uint256 moved)
    {
        // Effect: less is owed
        (uint256 held, uint256 total) = (_held(token), owed[token]);
        bool isShort = held < total;
        uint256 share = isShort ? Math.mulDiv(amount, held, total) : amount;
        owed[token] = total - amount;

        // Interact
        IERC20(token).safeTransfer(to, share);
        uint256 rest = _held(token);

        // Check: something has left
        moved = rest < held ? held - rest : 0;
        if (moved == 0) revert OCASC_WrongAmount(token, moved, share);

        // Check: it is the caller's. What is too much comes out of what is nobody's, then out of the caller's own credit
        credited = amount;
        if (moved < share) {
            credited = Math.mulDiv(amount, moved, share, Math.Rounding.Ceil);
        } else if (moved > share) {
            if (isShort) credited = Math.mulDiv(moved, total, held, Math.Rounding.Ceil);
            else credited = moved - Math.min(moved - amount, held - total);
            if (credited > whole) revert OCASC_WrongAmount(token, moved, share);
        }

        // Effect: what was moved is what was paid
        credit[token][msg.sender] = whole - credited;
        owed[token] = total - credited;
    }

    function _held(address token) private view returns (uint256) {
        return IERC20(token).balanceOf(address(this));
    }
}
