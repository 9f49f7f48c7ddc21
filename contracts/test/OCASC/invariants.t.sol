// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { vm } from "../Cheats.sol";
import { OddToken } from "../model/OddToken.sol";
import { Handler } from "./Handler.sol";
import { OcascModel } from "./OcascTest.sol";

/// @title invariants.md, as far as it is not the handler's to check
contract OcascInvariants is OcascModel {
    Handler private handler;

    function setUp() public {
        dissc = _deploy();
        ocasc = _deployOcasc();
        handler = new Handler(dissc, ocasc);
    }

    /// @dev Read by forge: only the handler is called.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Read by forge: the end comes after the last step, not among them.
    function excludeSelectors() external view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0].addr = address(handler);
        excluded[0].selectors = new bytes4[](1);
        excluded[0].selectors[0] = Handler.endEverything.selector;
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev 1 to 4.
    /// forge-config: ci.invariant.runs = 100
    /// forge-config: ci.invariant.depth = 500
    /// forge-config: nightly.invariant.runs = 2000
    /// forge-config: nightly.invariant.depth = 500
    function invariant_EveryUnitOfMoneyIsWhereTheModelHasIt() public view {
        uint256[3] memory expected = handler.checkCredits();
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(_held(handler.tokens(i)), expected[i], "balance");
        }
    }

    /// @dev 4 and 8.
    function afterInvariant() public {
        _end();
    }

    /// @dev A history in which nothing happened would show nothing. In this one, always the same, everything happens.
    function test_AHistoryReachesEveryState() public {
        bytes4[17] memory steps = [
            Handler.passTime.selector,
            Handler.growLog.selector,
            Handler.changeBaseFee.selector,
            Handler.donate.selector,
            Handler.offer.selector,
            Handler.cancel.selector,
            Handler.accept.selector,
            Handler.sign.selector,
            Handler.claim.selector,
            Handler.challenge.selector,
            Handler.demandKey.selector,
            Handler.respond.selector,
            Handler.lapse.selector,
            Handler.breach.selector,
            Handler.approve.selector,
            Handler.quit.selector,
            Handler.close.selector
        ];
        for (uint256 i = 0; i < 3000; ++i) {
            uint256 dice = uint256(keccak256(abi.encode("history", i)));
            uint256 seed = uint256(keccak256(abi.encode("seed", i)));
            (bool ok,) = address(handler).call(abi.encodePacked(steps[dice % steps.length], seed, seed));
            vm.assertTrue(ok, "a step failed");
            if (i % 50 == 0) invariant_EveryUnitOfMoneyIsWhereTheModelHasIt();
        }
        for (uint256 state = uint256(IOCASC.State.Offered); state <= uint256(IOCASC.State.Closed); ++state) {
            vm.assertTrue(handler.reached(IOCASC.State(state)) > 2, "every state was reached");
        }
        vm.assertTrue(handler.answers() > 2 && handler.keys() > 2 && handler.refusals() > 2, "answers and refusals");
        _end();
    }

    function _end() private {
        address[] memory strangers = handler.strangers();
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = 0; j < strangers.length; ++j) {
                vm.assertEq(ocasc.credit(handler.tokens(i), strangers[j]), 0, "no stranger is credited");
            }
        }
        handler.endEverything();
        for (uint256 i = 0; i < 3; ++i) {
            address token = handler.tokens(i);
            vm.assertEq(_held(token), handler.donated(token), "withdrawals empty the contract");
        }
    }

    function _held(address token) private view returns (uint256) {
        return token == address(0) ? address(ocasc).balance : OddToken(token).balanceOf(address(ocasc));
    }
}
