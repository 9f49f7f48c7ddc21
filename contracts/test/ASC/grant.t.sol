// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IASC } from "../../src/interfaces/IASC.sol";
import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { Reenterer } from "../model/Reenterer.sol";
import { AscTest } from "./AscTest.sol";

/// @title grant.tree, leaf by leaf
contract GrantTest is AscTest {
    // ------------------------------------------------------------------------------------------------------- authorise

    function test_Authorise_Reverts_ForAnyoneButTheOwner() public {
        IASC.Terms memory terms = _terms();
        address[3] memory others = [STRANGER, CSS, vm.addr(0xD0)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notOwner(terms.dataset, others[i], "one", 0));
            vm.prank(others[i]);
            asc.authorise("one", 0, terms);
        }
        // The owner's own, by another name or kind
        vm.expectRevert(_notOwner(terms.dataset, OWNER, "One", 0));
        vm.prank(OWNER);
        asc.authorise("One", 0, terms);
        vm.expectRevert(_notOwner(terms.dataset, OWNER, "one", 2));
        vm.prank(OWNER);
        asc.authorise("one", 2, terms);
        terms.dataset = "nobody's";
        _refused(terms, _notOwner("nobody's", OWNER, "one", 0));
    }

    function test_Authorise_TakesADatasetThatIsNotOnTheChain() public {
        IASC.Terms memory terms = _terms();
        terms.dataset = _id(OWNER, "in rounds", 1);
        vm.prank(OWNER);
        _assertState(asc.authorise("in rounds", 1, terms), IASC.State.Proposed);
    }

    function _notOwner(bytes32 dataset, address caller, bytes32 name, uint8 kind) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IASC.ASC_NotDatasetOwner.selector, dataset, caller, name, kind);
    }

    function test_Authorise_Reverts_WithoutACss() public {
        IASC.Terms memory terms = _terms();
        terms.css = address(0);
        _refused(terms, abi.encodeWithSelector(IASC.ASC_ZeroCss.selector));
    }

    function test_Authorise_Reverts_WithAnImpossibleRange() public {
        uint64[3] memory firsts = [uint64(0), 1, type(uint64).max];
        uint64[3] memory counts = [uint64(0), type(uint64).max, 1];
        for (uint256 i = 0; i < firsts.length; ++i) {
            IASC.Terms memory terms = _terms();
            (terms.first, terms.count) = (firsts[i], counts[i]);
            _refused(terms, abi.encodeWithSelector(IASC.ASC_BadRange.selector, firsts[i], counts[i]));
        }
    }

    function test_Authorise_Reverts_WithImpossibleKinds() public {
        uint8[3] memory kinds = [0, 4, 255];
        for (uint256 i = 0; i < kinds.length; ++i) {
            IASC.Terms memory terms = _terms();
            terms.kinds = kinds[i];
            _refused(terms, abi.encodeWithSelector(IASC.ASC_BadKinds.selector, kinds[i]));
        }
    }

    function test_Authorise_Reverts_WithAnImpossibleEnd() public {
        uint64[4] memory untils = [NOW, NOW - 1, NOW + 1825 days + 1, type(uint64).max];
        for (uint256 i = 0; i < untils.length; ++i) {
            IASC.Terms memory terms = _terms();
            terms.until = untils[i];
            _refused(terms, abi.encodeWithSelector(IASC.ASC_BadUntil.selector, untils[i], NOW, NOW + 1825 days));
        }
    }

    function test_Authorise_KeepsTheTerms() public {
        IASC.Terms memory terms = _terms();
        for (uint256 nonce = 0; nonce < 2; ++nonce) {
            vm.assertEq(asc.proposals(OWNER), nonce, "nonce");
            vm.recordLogs();
            bytes32 id = _authorise(terms);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            bytes32 named = keccak256(abi.encode(block.chainid, address(asc), OWNER, nonce, terms));
            vm.assertEq(id, named, "id");
            IASC.Grant memory expected = IASC.Grant(terms, IASC.State.Proposed, UNTIL, false, 0, OWNER, 0);
            vm.assertEq(abi.encode(asc.grant(id)), abi.encode(expected), "grant");
            vm.assertFalse(asc.readable(id), "not readable yet");
            vm.assertEq(logs.length, 1, "one event");
            vm.assertEq(logs[0].topics[0], IASC.Proposed.selector, "Proposed");
            vm.assertEq(logs[0].topics[1], id, "id");
            vm.assertEq(logs[0].topics[2], terms.dataset, "dataset");
            vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(CSS))), "css");
            vm.assertEq(logs[0].data, abi.encode(OWNER, nonce, terms), "owner, nonce, terms");
        }
        vm.assertEq(address(asc.dissc()), address(dissc), "dissc");
    }

    function test_Authorise_TakesEveryLimitAtItsEdge() public {
        IASC.Terms memory terms = _terms();
        (terms.first, terms.count, terms.kinds, terms.until) = (type(uint64).max - 1, 1, 1, NOW + 1);
        _assertState(_authorise(terms), IASC.State.Proposed);
        (terms.first, terms.count, terms.kinds, terms.until) = (7, type(uint64).max - 7, 2, NOW + 1825 days);
        _assertState(_authorise(terms), IASC.State.Proposed);
    }

    function _refused(IASC.Terms memory terms, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(OWNER);
        asc.authorise("one", 0, terms);
    }

    // ------------------------------------------------------------------------------------------------------------ drop

    function test_Drop_Reverts_InAnotherState() public {
        bytes32[3] memory ids = [bytes32("unknown"), _grant(model.dataset, 1), _ended()];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(_wrongState(ids[i], asc.grant(ids[i]).state));
            vm.prank(OWNER);
            asc.drop(ids[i]);
        }
    }

    function test_Drop_Reverts_ForAnyoneButTheOwner() public {
        bytes32 id = _authorise(_terms());
        address[2] memory others = [STRANGER, CSS];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notAllowed(id, others[i]));
            vm.prank(others[i]);
            asc.drop(id);
        }
    }

    function test_Drop_EndsIt() public {
        bytes32[2] memory ids = [_authorise(_terms()), _authorise(_terms())];
        for (uint256 i = 0; i < ids.length; ++i) {
            if (i == 1) vm.warp(UNTIL + 1);
            vm.recordLogs();
            vm.prank(OWNER);
            asc.drop(ids[i]);
            _assertEnded(vm.getRecordedLogs()[0], ids[i], 0);
            _assertState(ids[i], IASC.State.Ended);
            vm.expectRevert(_wrongState(ids[i], IASC.State.Ended));
            vm.prank(CSS);
            asc.accept(ids[i]);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- accept

    function test_Accept_Reverts_InAnotherState() public {
        bytes32[3] memory ids = [bytes32("unknown"), _grant(model.dataset, 1), _ended()];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(_wrongState(ids[i], asc.grant(ids[i]).state));
            vm.prank(CSS);
            asc.accept(ids[i]);
        }
    }

    function test_Accept_Reverts_ForAnyoneButTheCss() public {
        bytes32 id = _authorise(_terms());
        address[2] memory others = [STRANGER, OWNER];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notAllowed(id, others[i]));
            vm.prank(others[i]);
            asc.accept(id);
        }
    }

    function test_Accept_Reverts_WhenItIsOver() public {
        bytes32 id = _authorise(_terms());
        vm.warp(UNTIL);
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_Over.selector, id, UNTIL, UNTIL));
        vm.prank(CSS);
        asc.accept(id);
    }

    function test_Accept_MakesItReadable() public {
        bytes32 id = _authorise(_terms());
        vm.warp(UNTIL - 1);
        vm.recordLogs();
        vm.prank(CSS);
        asc.accept(id);
        Cheats.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.topics[0], IASC.Accepted.selector, "Accepted");
        vm.assertEq(log.topics[1], id, "id");
        _assertState(id, IASC.State.Accepted);
        vm.assertTrue(asc.readable(id), "readable");
        vm.warp(UNTIL);
        vm.assertFalse(asc.readable(id), "no longer");
    }

    // ------------------------------------------------------------------------------------------------------------ fund

    function test_Fund_Reverts_InAnotherState() public {
        bytes32[3] memory ids = [bytes32("unknown"), _authorise(_terms()), _ended()];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(_wrongState(ids[i], asc.grant(ids[i]).state));
            vm.prank(OWNER);
            asc.fund{ value: 1 }(ids[i]);
        }
    }

    function test_Fund_Reverts_WhenItIsOver() public {
        bytes32 id = _grant(model.dataset, 0);
        vm.warp(UNTIL);
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_Over.selector, id, UNTIL, UNTIL));
        vm.prank(OWNER);
        asc.fund{ value: 1 }(id);
    }

    function test_Fund_Reverts_WithNothing() public {
        bytes32 id = _grant(model.dataset, 0);
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_NoValue.selector, id));
        vm.prank(OWNER);
        asc.fund(id);
    }

    function test_Fund_Reverts_WithMoreThanThereIs() public {
        bytes32 id = _grant(model.dataset, 0);
        vm.deal(OWNER, 1 << 128);
        vm.expectRevert(abi.encodeWithSignature("SafeCastOverflowedUintDowncast(uint8,uint256)", 128, 1 << 128));
        vm.prank(OWNER);
        asc.fund{ value: 1 << 128 }(id);
    }

    function test_Fund_AddsToTheFuel() public {
        bytes32 id = _grant(model.dataset, 0);
        address[3] memory givers = [OWNER, STRANGER, STRANGER];
        for (uint256 i = 0; i < givers.length; ++i) {
            if (i == 1) vm.warp(UNTIL - 1);
            if (i == 2) {
                vm.warp(UNTIL - WINDOW);
                vm.prank(CSS);
                asc.revoke(id);
            }
            vm.recordLogs();
            vm.prank(givers[i]);
            asc.fund{ value: 100 }(id);
            Cheats.Log memory log = vm.getRecordedLogs()[0];
            vm.assertEq(log.topics[0], IASC.Funded.selector, "Funded");
            vm.assertEq(log.topics[1], id, "id");
            vm.assertEq(log.topics[2], bytes32(uint256(uint160(givers[i]))), "from");
            vm.assertEq(log.data, abi.encode(uint256(100)), "amount");
            vm.assertEq(asc.grant(id).fuel, (i + 1) * 100, "fuel");
            _assertMoney(0, 0, (i + 1) * 100);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- revoke

    function test_Revoke_Reverts_InAnotherState() public {
        bytes32[3] memory ids = [bytes32("unknown"), _authorise(_terms()), _ended()];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(_wrongState(ids[i], asc.grant(ids[i]).state));
            vm.prank(OWNER);
            asc.revoke(ids[i]);
        }
    }

    function test_Revoke_Reverts_ForAStranger() public {
        bytes32 id = _grant(model.dataset, 0);
        vm.expectRevert(_notAllowed(id, STRANGER));
        vm.prank(STRANGER);
        asc.revoke(id);
    }

    function test_Revoke_StopsReadsAtOnce_AndEndsLater() public {
        address[2] memory parties = [OWNER, CSS];
        for (uint256 i = 0; i < parties.length; ++i) {
            vm.warp(NOW);
            bytes32 id = _grant(model.dataset, 0);
            vm.recordLogs();
            vm.prank(parties[i]);
            asc.revoke(id);
            Cheats.Log memory log = vm.getRecordedLogs()[0];
            vm.assertEq(log.topics[0], IASC.Revoked.selector, "Revoked");
            vm.assertEq(log.topics[1], id, "id");
            vm.assertEq(log.data, abi.encode(parties[i], NOW + WINDOW), "by, end");
            vm.assertFalse(asc.readable(id), "reads stop");
            vm.assertTrue(asc.grant(id).revoked, "revoked");
            vm.assertEq(asc.grant(id).end, NOW + WINDOW, "end");
            _assertState(id, IASC.State.Accepted);
            // A second time changes nothing
            vm.warp(NOW + 10);
            vm.prank(parties[1 - i]);
            asc.revoke(id);
            vm.assertEq(asc.grant(id).end, NOW + WINDOW, "end");
        }
    }

    function test_Revoke_DoesNotPutTheEndOff() public {
        uint64[2] memory times = [UNTIL - WINDOW + 1, UNTIL + 5];
        for (uint256 i = 0; i < times.length; ++i) {
            vm.warp(NOW);
            bytes32 id = _grant(model.dataset, 0);
            vm.warp(times[i]);
            vm.prank(OWNER);
            asc.revoke(id);
            vm.assertEq(asc.grant(id).end, UNTIL, "end");
        }
    }

    // ------------------------------------------------------------------------------------------------------------- end

    function test_End_Reverts_InAnotherState() public {
        bytes32[2] memory ids = [bytes32("unknown"), _ended()];
        vm.warp(UNTIL);
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(_wrongState(ids[i], asc.grant(ids[i]).state));
            asc.end(ids[i]);
        }
    }

    function test_End_Reverts_WhenItIsNotOver() public {
        bytes32[3] memory ids = [_authorise(_terms()), _grant(model.dataset, 5), _grant(model.dataset, 5)];
        vm.prank(OWNER);
        asc.revoke(ids[2]);
        for (uint256 i = 0; i < ids.length; ++i) {
            uint64 end = i == 2 ? NOW + WINDOW : UNTIL;
            vm.warp(end - 1);
            vm.expectRevert(abi.encodeWithSelector(IASC.ASC_NotOver.selector, ids[i], end - 1, end));
            vm.prank(OWNER);
            asc.end(ids[i]);
        }
    }

    function test_End_GivesTheFuelToTheOwner() public {
        bytes32[3] memory ids = [_authorise(_terms()), _grant(model.dataset, 5), _grant(model.dataset, 7)];
        vm.prank(CSS);
        asc.revoke(ids[2]);
        uint256[3] memory fuels = [uint256(0), 5, 7];
        uint256 given = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.warp(i == 2 ? NOW + WINDOW : UNTIL);
            vm.recordLogs();
            vm.prank(STRANGER);
            asc.end(ids[i]);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            _assertEnded(logs[0], ids[i], fuels[i]);
            vm.assertEq(logs.length, 1, "one event");
            given += fuels[i];
            _assertMoney(given, 0, 12 - given);
            _assertState(ids[i], IASC.State.Ended);
            vm.assertEq(asc.grant(ids[i]).fuel, 0, "fuel");
            vm.assertFalse(asc.readable(ids[i]), "not readable");
        }
    }

    // -------------------------------------------------------------------------------------------------------- withdraw

    function test_Withdraw_Reverts_WithoutACredit() public {
        address[2] memory callers = [STRANGER, OWNER];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IASC.ASC_NoCredit.selector, callers[i]));
            vm.prank(callers[i]);
            asc.withdraw(callers[i]);
        }
    }

    function test_Withdraw_Reverts_ToNobody() public {
        _creditOwner(1234);
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_ZeroReceiver.selector));
        vm.prank(OWNER);
        asc.withdraw(address(0));
        _assertMoney(1234, 0, 0);
    }

    function test_Withdraw_PaysAllOfIt() public {
        _creditOwner(1234);
        _grant(model.dataset, 77);
        vm.recordLogs();
        vm.prank(OWNER);
        asc.withdraw(address(0x70));
        Cheats.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.topics[0], IASC.Withdrawn.selector, "Withdrawn");
        vm.assertEq(log.topics[1], bytes32(uint256(uint160(OWNER))), "account");
        vm.assertEq(log.data, abi.encode(address(0x70), uint256(1234)), "to, amount");
        vm.assertEq(address(0x70).balance, 1234, "has arrived");
        _assertMoney(0, 0, 77);
    }

    function test_Withdraw_LeavesTheCredit_WhenItIsRefused() public {
        Reenterer payee = new Reenterer();
        payee.refuse(true);
        _creditOwner(1234);
        vm.expectRevert(abi.encodeWithSelector(Reenterer.PaymentRefused.selector));
        vm.prank(OWNER);
        asc.withdraw(address(payee));
        _assertMoney(1234, 0, 0);
        // Nor does the contract take what it sends
        vm.expectRevert();
        vm.prank(OWNER);
        asc.withdraw(address(asc));
    }

    function test_Reentrancy_ThroughTheReceiver() public {
        Reenterer payee = new Reenterer();
        bytes32 id = _grant(model.dataset, 5);
        bytes32[] memory none = new bytes32[](0);
        IDISSC.Update[] memory updates = new IDISSC.Update[](0);
        bytes[8] memory calls;
        calls[0] = abi.encodeCall(IASC.authorise, ("one", 0, _terms()));
        calls[1] = abi.encodeCall(IASC.drop, (id));
        calls[2] = abi.encodeCall(IASC.accept, (id));
        calls[3] = abi.encodeCall(IASC.fund, (id));
        calls[4] = abi.encodeCall(IASC.relay, (none, new IDISSC.Charter[](0), updates));
        calls[5] = abi.encodeCall(IASC.revoke, (id));
        calls[6] = abi.encodeCall(IASC.end, (id));
        calls[7] = abi.encodeCall(IASC.withdraw, (STRANGER));
        for (uint256 i = 0; i < calls.length; ++i) {
            _creditOwner(10);
            payee.arm(address(asc), calls[i]);
            vm.prank(OWNER);
            asc.withdraw(address(payee));
            vm.assertTrue(payee.tried(), "it has tried");
            vm.assertFalse(payee.succeeded(), "in vain");
            vm.assertEq(
                payee.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"), "because of the guard"
            );
        }
    }

    function test_MoneyThatNobodyAskedFor_IsNotTaken() public {
        vm.prank(STRANGER);
        (bool ok,) = address(asc).call{ value: 1 }("");
        vm.assertFalse(ok, "no receive()");
    }

    // ---------------------------------------------------------------------------------------------------------- shared

    function _ended() private returns (bytes32 id) {
        id = _authorise(_terms());
        vm.prank(OWNER);
        asc.drop(id);
    }

    function _creditOwner(uint256 fuel) private {
        vm.warp(NOW);
        bytes32 id = _grant(model.dataset, fuel);
        vm.warp(UNTIL);
        asc.end(id);
        vm.warp(NOW);
    }

    function _assertEnded(Cheats.Log memory log, bytes32 id, uint256 fuel) private pure {
        vm.assertEq(log.topics[0], IASC.Ended.selector, "Ended");
        vm.assertEq(log.topics[1], id, "id");
        vm.assertEq(log.data, abi.encode(fuel), "fuel");
    }
}
