// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IHook } from "./OddToken.sol";

/// @title An account that calls back when it is paid
/// @dev Does as it is told with `act`, and, when money moves, tries what `arm` was given and keeps how that ended.
contract Reenterer is IHook {
    address private _target;
    bytes private _data;
    bool private _refuses;

    bool public tried;
    bool public succeeded;
    bytes public answer;

    error PaymentRefused();

    function arm(address target, bytes calldata data) external {
        (_target, _data, tried, succeeded, answer) = (target, data, false, false, "");
    }

    function refuse(bool refuses) external {
        _refuses = refuses;
    }

    function act(address target, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool ok, bytes memory result) = target.call{ value: value }(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }

    function onTransfer() external {
        _try();
    }

    receive() external payable {
        if (_refuses) revert PaymentRefused();
        _try();
    }

    function _try() private {
        if (_target == address(0)) return;
        (address target, bytes memory data) = (_target, _data);
        _target = address(0);
        tried = true;
        (succeeded, answer) = target.call(data);
    }
}
