// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { IOCASC } from "../interfaces/IOCASC.sol";

/// @title Moves the amount that was asked for, or nothing
/// @dev What counts is this contract's own balance before and after, not what a token says of a transfer.
library ExactTransfer {
    using SafeERC20 for IERC20;

    /// @dev Stands for the native coin.
    address private constant NATIVE = address(0);

    /// @notice Takes `amount` from the caller: out of what the call brings or, if it is a token, of what was approved.
    function pull(address token, uint256 amount) internal {
        uint256 expected = token == NATIVE ? amount : 0;
        if (msg.value != expected) revert IOCASC.OCASC_WrongValue(msg.value, expected);
        // Some tokens refuse to move nothing
        if (token == NATIVE || amount == 0) return;

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 moved = IERC20(token).balanceOf(address(this)) - before;
        if (moved != amount) revert IOCASC.OCASC_WrongAmount(token, moved, amount);
    }

    /// @notice Sends `amount` away.
    function push(address token, address to, uint256 amount) internal {
        if (token == NATIVE) {
            Address.sendValue(payable(to), amount);
            return;
        }
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 moved = before - IERC20(token).balanceOf(address(this));
        if (moved != amount) revert IOCASC.OCASC_WrongAmount(token, moved, amount);
    }
}
