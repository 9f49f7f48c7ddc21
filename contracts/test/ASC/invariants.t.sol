// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IASC } from "../../src/interfaces/IASC.sol";
import { vm } from "../Cheats.sol";
import { DisscModel } from "../model/DisscTest.sol";
import { AscHandler } from "./Handler.sol";

/// @title invariants.md, as far as it is not the handler's to check
contract AscInvariants is DisscModel {
    IASC private asc;
    AscHandler private handler;

    function setUp() public {
        dissc = _deploy();
        asc = IASC(vm.deployCode("ASC.sol:ASC", abi.encode(address(dissc))));
        handler = new AscHandler(dissc, asc);
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
        excluded[0].selectors[0] = AscHandler.endEverything.selector;
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev 1 to 3.
    /// forge-config: ci.invariant.runs = 100
    /// forge-config: ci.invariant.depth = 500
    /// forge-config: nightly.invariant.runs = 2000
    /// forge-config: nightly.invariant.depth = 500
    function invariant_EveryWeiIsWhereTheModelHasIt() public view {
        uint256 total = 0;
        for (uint256 i = 0; i < 5; ++i) {
            address account = handler.account(i);
            vm.assertEq(asc.credit(account), handler.credits(account), "credit");
            total += asc.credit(account);
        }
        vm.assertEq(asc.credit(handler.account(4)), 0, "no stranger is credited");
        vm.assertEq(address(asc).balance, total + handler.fuel() + handler.donated(), "balance");
        vm.assertEq(handler.paid(), handler.recordedPrice(), "paid for what was recorded");
        handler.checkHeads();
    }

    /// @dev 5.
    function afterInvariant() public {
        _end();
    }

    /// @dev A history in which nothing happened would show nothing. In this one, always the same, everything happens.
    function test_AHistoryReachesEveryState() public {
        bytes4[10] memory steps = [
            AscHandler.passTime.selector,
            AscHandler.donate.selector,
            AscHandler.authorise.selector,
            AscHandler.drop.selector,
            AscHandler.accept.selector,
            AscHandler.fund.selector,
            AscHandler.relay.selector,
            AscHandler.revoke.selector,
            AscHandler.end.selector,
            AscHandler.withdraw.selector
        ];
        for (uint256 i = 0; i < 600; ++i) {
            uint256 dice = uint256(keccak256(abi.encode("history", i)));
            uint256 seed = uint256(keccak256(abi.encode("seed", i)));
            (bool ok,) = address(handler).call(abi.encodePacked(steps[dice % steps.length], seed));
            vm.assertTrue(ok, "a step failed");
            if (i % 20 == 0) invariant_EveryWeiIsWhereTheModelHasIt();
        }
        for (uint256 state = uint256(IASC.State.Proposed); state <= uint256(IASC.State.Ended); ++state) {
            vm.assertTrue(handler.reached(IASC.State(state)) > 2, "every state was reached");
        }
        bytes4[7] memory reasons = [
            bytes4(0),
            IASC.ASC_WrongState.selector,
            IASC.ASC_Over.selector,
            IASC.ASC_WrongDataset.selector,
            IASC.ASC_TooEarly.selector,
            IASC.ASC_TooLittleFuel.selector,
            IASC.ASC_Refused.selector
        ];
        for (uint256 i = 0; i < reasons.length; ++i) {
            vm.assertTrue(handler.reasons(reasons[i]) > 0, "every reason was given");
        }
        _end();
    }

    function _end() private {
        handler.endEverything();
        vm.assertEq(address(asc).balance, handler.donated(), "withdrawals empty the contract");
    }
}
