// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IASC } from "../../src/interfaces/IASC.sol";
import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { AscTest } from "./AscTest.sol";

/// @title relay.tree, leaf by leaf
contract RelayTest is AscTest {
    function test_Relay_Reverts_WithoutAGrantForEachUpdate() public {
        bytes32[] memory grants = new bytes32[](2);
        IDISSC.Update[] memory updates = _list(_update(model, _draw(1)));
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_LengthMismatch.selector, 2, 1));
        _relay(grants, updates);
        vm.expectRevert(abi.encodeWithSelector(IASC.ASC_LengthMismatch.selector, 0, 1));
        _relay(new bytes32[](0), updates);
    }

    function test_Relay_ReturnsNothingForNothing() public {
        vm.assertEq(_relay(new bytes32[](0), new IDISSC.Update[](0)).length, 0, "reasons");
    }

    function test_Relay_DoesNotForward_WithoutAnAcceptedGrant() public {
        bytes32 ended = _grant(model.dataset, 0);
        vm.warp(UNTIL);
        asc.end(ended);
        vm.warp(NOW);
        bytes32[3] memory ids = [bytes32("unknown"), _authorise(_terms()), ended];
        for (uint256 i = 0; i < ids.length; ++i) {
            _refused(ids[i], IASC.ASC_WrongState.selector);
        }
    }

    function test_Relay_DoesNotForward_WhenTheGrantIsOver() public {
        bytes32 id = _grant(model.dataset, 1000);
        vm.warp(UNTIL);
        _refused(id, IASC.ASC_Over.selector);
        vm.warp(NOW);
        vm.prank(OWNER);
        asc.revoke(id);
        vm.warp(NOW + WINDOW);
        _refused(id, IASC.ASC_Over.selector);
        _assertMoney(0, 0, 1000);
    }

    function test_Relay_DoesNotForward_AnotherDatasetsUpdate() public {
        bytes32 id = _grant(second.dataset, 1000);
        _refused(id, IASC.ASC_WrongDataset.selector);
        _assertMoney(0, 0, 1000);
    }

    function test_Relay_DoesNotForward_WithinTheInterval() public {
        bytes32 id = _grant(model.dataset, 1000);
        _relayed(id, 3);
        uint64[3] memory times = [NOW, NOW + 1, NOW + INTERVAL - 1];
        for (uint256 i = 0; i < times.length; ++i) {
            vm.warp(times[i]);
            _refused(id, IASC.ASC_TooEarly.selector);
        }
        _assertMoney(0, PER_RECORD, 1000 - PER_RECORD);
        vm.warp(NOW + INTERVAL);
        _relayed(id, 1);
        _assertMoney(0, 2 * PER_RECORD, 1000 - 2 * PER_RECORD);
        vm.assertEq(asc.grant(id).paidAt, NOW + INTERVAL, "an interval from then");
        // Without payment anybody records at any time
        _grow(model, model.leaves.length + 1);
    }

    function test_Relay_PaysTheFirst_HoweverLongTheInterval() public {
        IASC.Terms memory terms = _terms();
        terms.interval = type(uint32).max;
        bytes32 id = _authorise(terms);
        vm.prank(CSS);
        asc.accept(id);
        _fund(id, 2 * PER_RECORD);
        _relayed(id, 1);
        vm.warp(UNTIL - 1);
        _refused(id, IASC.ASC_TooEarly.selector);
    }

    function test_Relay_CountsTheIntervalForEachUpdateOfTheCall() public {
        bytes32 id = _grant(model.dataset, 1000);
        (IDISSC.Update memory one, IDISSC.Update memory two) = _twoInARow();
        bytes4[] memory reasons = _relay(_ids(id, id), _list(one, two));
        vm.assertEq(bytes32(reasons[0]), 0, "the first");
        vm.assertEq(bytes32(reasons[1]), bytes32(IASC.ASC_TooEarly.selector), "the second");
        _assertMoney(0, PER_RECORD, 1000 - PER_RECORD);
    }

    function test_Relay_PaysEach_WithoutAnInterval() public {
        IASC.Terms memory terms = _terms();
        terms.interval = 0;
        bytes32 id = _authorise(terms);
        vm.prank(CSS);
        asc.accept(id);
        _fund(id, 3 * PER_RECORD);
        (IDISSC.Update memory one, IDISSC.Update memory two) = _twoInARow();
        IDISSC.Update memory forged = abi.decode(abi.encode(two), (IDISSC.Update));
        _signAgain(forged, 0xBAD);
        bytes32[] memory grants = new bytes32[](3);
        (grants[0], grants[1], grants[2]) = (id, id, id);
        bytes4[] memory reasons = _relay(grants, _list(one, forged, two));
        vm.assertEq(bytes32(reasons[0]), 0, "the first");
        vm.assertEq(bytes32(reasons[1]), bytes32(IASC.ASC_Refused.selector), "the forged one");
        vm.assertEq(bytes32(reasons[2]), 0, "the second");
        _assertMoney(0, 2 * PER_RECORD, PER_RECORD);
        vm.assertEq(asc.grant(id).paidAt, NOW, "paid at");
    }

    function test_Relay_BeginsNoInterval_ForManyThatAreRefused() public {
        IASC.Terms memory terms = _terms();
        terms.interval = 0;
        bytes32 id = _authorise(terms);
        vm.prank(CSS);
        asc.accept(id);
        _fund(id, 3 * PER_RECORD);
        IDISSC.Update memory forged = _updateSignedBy(model, _draw(2), 0xBAD);
        IDISSC.Update memory good = _update(model, _draw(3));
        // None accepted; then the good one first, in the middle, and last
        _relay(_ids(id, id), _list(forged, forged));
        vm.assertEq(asc.grant(id).paidAt, 0, "none");
        bytes32[] memory grants = new bytes32[](3);
        (grants[0], grants[1], grants[2]) = (id, id, id);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            IDISSC.Update[] memory updates = _list(forged, forged, forged);
            updates[i] = good;
            _relay(grants, updates);
            vm.assertEq(asc.grant(id).paidAt, NOW, "one");
            _assertMoney(0, PER_RECORD, 2 * PER_RECORD);
            vm.assertTrue(vm.revertToState(snapshot), "back");
        }
    }

    function test_Relay_DoesNotForward_WithoutEnoughFuel() public {
        bytes32 id = _grant(model.dataset, 0);
        _refused(id, IASC.ASC_TooLittleFuel.selector);
        _fund(id, PER_RECORD - 1);
        _refused(id, IASC.ASC_TooLittleFuel.selector);
        _assertMoney(0, 0, PER_RECORD - 1);
        vm.assertEq(asc.grant(id).paidAt, 0, "no interval has begun");
        _fund(id, 1);
        _relayed(id, 1);
    }

    function test_Relay_CountsTheFuelForEachUpdateOfTheCall() public {
        IASC.Terms memory terms = _terms();
        terms.interval = 0;
        bytes32 id = _authorise(terms);
        vm.prank(CSS);
        asc.accept(id);
        _fund(id, 2 * PER_RECORD - 1);
        (IDISSC.Update memory one, IDISSC.Update memory two) = _twoInARow();
        bytes4[] memory reasons = _relay(_ids(id, id), _list(one, two));
        vm.assertEq(bytes32(reasons[0]), 0, "the first");
        vm.assertEq(bytes32(reasons[1]), bytes32(IASC.ASC_TooLittleFuel.selector), "the second");
        _assertMoney(0, PER_RECORD, PER_RECORD - 1);
    }

    function test_Relay_PaysNothing_ForWhatIsRefused() public {
        bytes32 id = _grant(model.dataset, 1000);
        _relayed(id, 2);
        vm.warp(NOW + INTERVAL);
        IDISSC.Update memory forged = _updateSignedBy(model, _draw(3), 0xBAD);
        vm.recordLogs();
        bytes4[] memory reasons = _relay(_ids(id), _list(forged));
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(bytes32(reasons[0]), bytes32(IASC.ASC_Refused.selector), "reason");
        vm.assertEq(logs.length, 2, "two events");
        vm.assertEq(logs[0].topics[0], IDISSC.UpdateRefused.selector, "DISSC says why");
        _assertNotRelayed(logs[1], id, IASC.ASC_Refused.selector);
        vm.assertEq(asc.grant(id).fuel, 1000 - PER_RECORD, "fuel");
        vm.assertEq(asc.grant(id).paidAt, NOW, "no interval has begun");
        _assertMoney(0, PER_RECORD, 1000 - PER_RECORD);
        _assertHead(model, "as it was");
        _relayed(id, 3);
    }

    function test_Relay_PaysTheCss() public {
        bytes32 id = _grant(model.dataset, 3 * PER_RECORD);
        address[3] memory relayers = [CSS, STRANGER, OWNER];
        uint256[3] memory numbers = [uint256(1), 2, 300];
        for (uint256 i = 0; i < relayers.length; ++i) {
            vm.warp(i == 2 ? UNTIL - 1 : NOW + i * INTERVAL);
            bytes32[] memory fresh = _draw(numbers[i]);
            IDISSC.Update[] memory updates = _list(_update(model, fresh));
            vm.recordLogs();
            vm.prank(relayers[i]);
            bytes4[] memory reasons = _relay(_ids(id), updates);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            _note(model, fresh);
            _assertHead(model, "recorded");
            uint256 paid = (i + 1) * PER_RECORD;
            vm.assertEq(reasons.length, 1, "one reason");
            vm.assertEq(bytes32(reasons[0]), 0, "none");
            vm.assertEq(logs.length, 2, "two events");
            vm.assertEq(logs[0].topics[0], IDISSC.Recorded.selector, "Recorded");
            vm.assertEq(logs[1].topics[0], IASC.Relayed.selector, "Relayed");
            vm.assertEq(logs[1].topics[1], id, "id");
            vm.assertEq(logs[1].data, abi.encode(updates[0].size, uint256(PER_RECORD)), "size, paid");
            vm.assertEq(asc.grant(id).fuel, 3 * PER_RECORD - paid, "fuel");
            vm.assertEq(asc.grant(id).paidAt, block.timestamp, "paid at");
            _assertMoney(0, paid, 3 * PER_RECORD - paid);
        }
        vm.prank(CSS);
        asc.withdraw(CSS);
        vm.assertEq(CSS.balance, 3 * PER_RECORD, "withdrawn");
    }

    function test_Relay_PaysAfterARevocation_UntilTheEnd() public {
        bytes32 id = _grant(model.dataset, 1000);
        vm.prank(OWNER);
        asc.revoke(id);
        vm.warp(NOW + WINDOW - 1);
        _relayed(id, 2);
        _assertMoney(0, PER_RECORD, 1000 - PER_RECORD);
    }

    function test_Relay_RecordsForNothing_WhenThatIsThePrice() public {
        IASC.Terms memory terms = _terms();
        terms.perRecord = 0;
        bytes32 id = _authorise(terms);
        vm.prank(CSS);
        asc.accept(id);
        _relayed(id, 2);
        _assertMoney(0, 0, 0);
    }

    /// @dev Good, another dataset's, good, forged of another grant, good but without fuel.
    function test_Relay_PaysForTheAcceptedOnes_AmongMany() public {
        bytes32 one = _grant(model.dataset, 5 * PER_RECORD);
        bytes32 two = _grant(second.dataset, 3 * PER_RECORD);
        bytes32 three = _grant(model.dataset, 3 * PER_RECORD);
        bytes32 dry = _grant(second.dataset, 0);
        bytes32[] memory fresh = _draw(2);
        bytes32[] memory others = _draw(3);
        IDISSC.Update[] memory updates = new IDISSC.Update[](5);
        updates[0] = _update(model, fresh);
        updates[1] = _update(model, fresh);
        updates[2] = _update(second, others);
        updates[3] = _updateSignedBy(model, fresh, 0xBAD);
        updates[4] = _update(second, others);
        bytes32[] memory grants = new bytes32[](5);
        (grants[0], grants[1], grants[2], grants[3], grants[4]) = (one, two, two, three, dry);
        vm.recordLogs();
        bytes4[] memory reasons = _relay(grants, updates);
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        bytes4[5] memory expected = [
            bytes4(0),
            IASC.ASC_WrongDataset.selector,
            bytes4(0),
            IASC.ASC_Refused.selector,
            IASC.ASC_TooLittleFuel.selector
        ];
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertEq(bytes32(reasons[i]), bytes32(expected[i]), "reason");
        }
        _note(model, fresh);
        _note(second, others);
        _assertHead(model, "one");
        _assertHead(second, "two");
        _assertMoney(0, 2 * PER_RECORD, 9 * PER_RECORD);
        vm.assertEq(asc.grant(one).fuel, 4 * PER_RECORD, "one's fuel");
        vm.assertEq(asc.grant(two).fuel, 2 * PER_RECORD, "two's fuel");
        vm.assertEq(asc.grant(three).fuel, 3 * PER_RECORD, "three's fuel");
        vm.assertEq(asc.grant(three).paidAt, 0, "three's interval");
        // DISSC was called once, with what was forwarded; then come the grants' events
        vm.assertEq(logs.length, 8, "events");
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(logs[i].emitter, address(dissc), "DISSC's first");
        }
        vm.assertEq(logs[3].topics[0], IASC.Relayed.selector, "one");
        _assertNotRelayed(logs[4], two, IASC.ASC_WrongDataset.selector);
        vm.assertEq(logs[5].topics[0], IASC.Relayed.selector, "two");
        _assertNotRelayed(logs[6], three, IASC.ASC_Refused.selector);
        vm.assertEq(logs[7].topics[0], IASC.NotRelayed.selector, "dry");
        vm.assertEq(logs[7].topics[2], second.dataset, "dry's dataset");
    }

    function test_Relay_PaysOnce() public {
        bytes32 id = _grant(model.dataset, 1000);
        IDISSC.Update[] memory updates = _list(_update(model, _draw(2)));
        _relay(_ids(id), updates);
        vm.warp(NOW + INTERVAL);
        bytes4[] memory reasons = _relay(_ids(id), updates);
        vm.assertEq(bytes32(reasons[0]), bytes32(IASC.ASC_Refused.selector), "a replay");
        _assertMoney(0, PER_RECORD, 1000 - PER_RECORD);
    }

    // -------------------------------------------------------------------------------------------------------- charters

    Model private third;

    function test_Relay_TakesCharters_WithTheFirstRecord() public {
        _name(third, OWNER_KEY, "third", 1);
        (third.deviceKey, third.serial) = (0xD3, uint32(NOW));
        IASC.Terms memory terms = _terms();
        terms.dataset = third.dataset;
        vm.prank(OWNER);
        bytes32 id = asc.authorise("third", 1, terms);
        vm.prank(CSS);
        asc.accept(id);
        _fund(id, PER_RECORD);
        bytes32[] memory fresh = _draw(9);
        vm.prank(STRANGER);
        bytes4[] memory reasons = asc.relay(_ids(id), _list(_signedCharter(third)), _list(_update(third, fresh)));
        vm.assertEq(bytes32(reasons[0]), 0, "recorded");
        _note(third, fresh);
        _assertHead(third, "recorded");
        _assertMoney(0, PER_RECORD, 0);
    }

    function test_Relay_Reverts_WithACharterThatIsNotTheOwners() public {
        _name(third, OWNER_KEY, "third", 1);
        (third.deviceKey, third.serial) = (0xD3, uint32(NOW));
        IDISSC.Charter memory charter = _charter(third, address(0));
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_WrongCharterSignature.selector, third.dataset, OWNER));
        vm.prank(OWNER);
        asc.relay(new bytes32[](0), _list(charter), new IDISSC.Update[](0));
        // Nor does the owner's own account speak through this contract for a dataset that lives in rounds
        charter = _charter(third, address(0xA4C));
        vm.expectRevert(abi.encodeWithSelector(IDISSC.DISSC_NotOwner.selector, third.dataset, address(asc), OWNER));
        vm.prank(OWNER);
        asc.relay(new bytes32[](0), _list(charter), new IDISSC.Update[](0));
    }

    // -------------------------------------------------------------------------------------------------------- the bench

    function _relay(bytes32[] memory grants, IDISSC.Update[] memory updates) private returns (bytes4[] memory) {
        return asc.relay(grants, new IDISSC.Charter[](0), updates);
    }

    /// @dev What must be recorded and paid.
    function _relayed(bytes32 id, uint256 blocks) private {
        bytes32[] memory fresh = _draw(blocks);
        bytes4[] memory reasons = _relay(_ids(id), _list(_update(model, fresh)));
        vm.assertEq(bytes32(reasons[0]), 0, "recorded");
        _note(model, fresh);
        _assertHead(model, "recorded");
    }

    function _twoInARow() private returns (IDISSC.Update memory one, IDISSC.Update memory two) {
        bytes32[] memory fresh = _draw(2);
        one = _update(model, fresh);
        _note(model, fresh);
        two = _update(model, _draw(3));
    }

    function _refused(bytes32 id, bytes4 reason) private {
        IDISSC.Update[] memory updates = _list(_update(model, _draw(1)));
        vm.recordLogs();
        bytes4[] memory reasons = _relay(_ids(id), updates);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(bytes32(reasons[0]), bytes32(reason), "reason");
        vm.assertEq(logs.length, 1, "nothing was forwarded");
        _assertNotRelayed(logs[0], id, reason);
        _assertHead(model, "as it was");
    }

    function _assertNotRelayed(Cheats.Log memory log, bytes32 id, bytes4 reason) private view {
        vm.assertEq(log.topics[0], IASC.NotRelayed.selector, "NotRelayed");
        vm.assertEq(log.topics[1], id, "id");
        vm.assertEq(log.topics[2], model.dataset, "dataset");
        vm.assertEq(log.data, abi.encode(reason), "reason");
    }

    function _ids(bytes32 id) private pure returns (bytes32[] memory ids) {
        ids = new bytes32[](1);
        ids[0] = id;
    }

    function _ids(bytes32 one, bytes32 two) private pure returns (bytes32[] memory ids) {
        ids = new bytes32[](2);
        (ids[0], ids[1]) = (one, two);
    }
}
