// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";
import { LazyTree } from "../model/LazyTree.sol";

/// @title record.tree, leaf by leaf
contract RecordTest is DisscTest {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant DEVICE = 0xD0;
    uint256 private constant OTHER_DEVICE = 0xD1;
    uint256 private constant STRANGER = 0x5;

    Model private model;
    Model private other;
    Model private third;
    Model private unknown;

    function setUp() public override {
        super.setUp();
        _open(model, OWNER, "one", DEVICE);
        _open(other, OWNER, "other", OTHER_DEVICE);
        _open(third, OWNER, "third", DEVICE);
        _grow(model, 7);
    }

    // ---------------------------------------------------------------------------------------------------- no updates

    function test_Nothing_ReturnsNoFlags() public {
        vm.recordLogs();
        vm.assertEq(_send(new IDISSC.Update[](0)).length, 0, "flags");
        vm.assertEq(vm.getRecordedLogs().length, 0, "events");
    }

    // ------------------------------------------------------------------------------------------------------- encoding

    // The call's data: selector, the offsets of charters and updates, number of charters (none), number of updates, an offset
    // for each; then the updates, each of them dataset, size, root and the offsets of signature, peaks and appended, and these.
    uint256 private constant UPDATES_AT = 4 + 0x60;
    uint256 private constant OFFSETS_AT = UPDATES_AT + 0x20;

    function test_Refuses_AnUpdateThatLiesPastTheEnd() public {
        (bytes memory data,) = _threeUpdates();
        _put(data, OFFSETS_AT + 0x20, data.length);
        _assertOnlyTheMiddleOneRefused(data, 0);
    }

    function test_Refuses_AnUpdateWhoseFixedPartIsCutOff() public {
        (bytes memory data,) = _threeUpdates();
        // Its last word would begin one byte too late
        _put(data, OFFSETS_AT + 0x20, data.length - OFFSETS_AT - 0xc0 + 1);
        _assertOnlyTheMiddleOneRefused(data, 0);
    }

    function test_Refuses_AnUpdateWhoseOffsetWraps() public {
        (bytes memory data,) = _threeUpdates();
        // A step back of 32 bytes, if sums may wrap
        _put(data, OFFSETS_AT + 0x20, type(uint256).max - 31);
        _assertOnlyTheMiddleOneRefused(data, 0);

        _startOver();
        (data,) = _threeUpdates();
        _put(data, OFFSETS_AT + 0x20, 1 << 64);
        _assertOnlyTheMiddleOneRefused(data, 0);
    }

    function test_Refuses_APartWhoseOffsetLiesOutside() public {
        for (uint256 part = 3; part <= 5; ++part) {
            uint256[4] memory outside = [uint256(1 << 20), 1 << 64, type(uint256).max - 31, type(uint256).max];
            for (uint256 i = 0; i < outside.length; ++i) {
                (bytes memory data, uint256 middle) = _threeUpdates();
                _put(data, middle + part * 0x20, outside[i]);
                _assertOnlyTheMiddleOneRefused(data, other.dataset);
                _startOver();
            }
        }
    }

    function test_Refuses_APartWhoseOffsetWrapsToSomethingThatWouldDo() public {
        for (uint256 part = 3; part <= 5; ++part) {
            (bytes memory data, uint256 middle) = _threeUpdates();
            // Backwards from the update, to the number of updates: read as a length, it says 3
            unchecked {
                _put(data, middle + part * 0x20, UPDATES_AT - middle);
            }
            _assertOnlyTheMiddleOneRefused(data, other.dataset);
            _startOver();
        }
    }

    function test_Refuses_APartWhoseLengthLeadsOutside() public {
        for (uint256 part = 3; part <= 5; ++part) {
            uint256 itemBytes = part == 3 ? 1 : 32;
            (bytes memory data, uint256 middle) = _threeUpdates();
            uint256 position = middle + _get(data, middle + part * 0x20);
            // The last length that fits leads to another refusal; one more item is outside
            uint256 fits = (data.length - position - 0x20) / itemBytes;
            uint256[5] memory outside =
                [fits + 1, 1 << 64, type(uint256).max - position, type(uint256).max, (1 << 251) + 1];
            for (uint256 i = 0; i < outside.length; ++i) {
                (data, middle) = _threeUpdates();
                _put(data, position, outside[i]);
                _assertOnlyTheMiddleOneRefused(data, other.dataset);
                _startOver();
            }
            (data, middle) = _threeUpdates();
            _put(data, position, fits);
            bool[] memory accepted = _call(data);
            vm.assertTrue(accepted[0] && !accepted[1] && accepted[2], "too long, but not outside");
            _startOver();
        }
    }

    function test_Takes_AnUpdateThatEndsWithTheCall() public {
        // The signature stands behind everything else, without the padding behind it
        IDISSC.Update memory update = _update(model, _draw(3));
        bytes memory signature = update.signature;
        update.signature = "";
        bytes memory data = abi.encodeCall(IDISSC.record, (new IDISSC.Charter[](0), _list(update)));
        uint256 start = OFFSETS_AT + _get(data, OFFSETS_AT);
        _put(data, start + 0x60, data.length - start);
        data = bytes.concat(data, abi.encode(65), signature);
        vm.assertTrue(_call(data)[0], "accepted");
        // As the ABI has it, the appended subtrees end it
        vm.assertTrue(_send(_update(other, _draw(3))), "accepted");
    }

    function test_Reverts_WhenTheArrayItselfLiesOutside() public {
        (bytes memory data,) = _threeUpdates();
        _put(data, UPDATES_AT, data.length);
        (bool ok,) = address(dissc).call(data);
        vm.assertFalse(ok, "more updates than there are bytes");
    }

    function testFuzz_NeverSpoilsTheOthers_WhateverTheMiddleUpdateIs(uint256 position, uint256 value, bool small)
        public
    {
        // Any word of the middle update, or its offset, becomes anything
        (bytes memory data, uint256 middle) = _threeUpdates();
        uint256 end = OFFSETS_AT + _get(data, OFFSETS_AT + 0x40);
        position = position % (end - middle + 1);
        _put(
            data,
            position == end - middle ? OFFSETS_AT + 0x20 : _min(middle + position, end - 32),
            small ? value % data.length : value
        );
        bool[] memory accepted = _call(data);
        vm.assertTrue(accepted[0] && accepted[2], "the honest updates are accepted");
    }

    // ----------------------------------------------------------------------------------------------- dataset and growth

    function test_Refuses_ADatasetWithoutACharter() public {
        _name(unknown, OWNER, "unknown", 0);
        unknown.deviceKey = DEVICE;
        _assertRefused(_update(unknown, _draw(1)), IDISSC.DISSC_UnknownDataset.selector);
        // A kind of its own is a dataset of its own
        _name(unknown, OWNER, "one", 1);
        _assertRefused(_update(unknown, _draw(1)), IDISSC.DISSC_UnknownDataset.selector);
    }

    function test_Refuses_NoGrowth() public {
        _assertRefused(_update(model, _draw(0)), IDISSC.DISSC_NoGrowth.selector);
        IDISSC.Update memory update = _update(model, _draw(2));
        for (uint64 size = 0; size <= 7; ++size) {
            update.size = size;
            _signAgain(update, DEVICE);
            _assertRefused(update, IDISSC.DISSC_NoGrowth.selector);
        }
    }

    function test_Refuses_AReplay() public {
        bytes32[] memory fresh = _draw(3);
        IDISSC.Update memory update = _update(model, fresh);
        IDISSC.Update[] memory both = _list(update, update);
        bool[] memory accepted = _send(both);
        vm.assertTrue(accepted[0] && !accepted[1], "once");
        _note(model, fresh);
        _assertRefused(update, IDISSC.DISSC_NoGrowth.selector);
        _grow(model, 30);
        _assertRefused(update, IDISSC.DISSC_NoGrowth.selector);
        _assertHead(model, "as it was");
    }

    function test_Refuses_TooMuchGrowthAtOnce() public {
        IDISSC.Update memory update = _update(model, _draw(1));
        uint64[3] memory sizes = [uint64(7 + (1 << 28) + 1), 1 << 47, 1 << 48];
        for (uint256 i = 0; i < sizes.length; ++i) {
            update.size = sizes[i];
            _signAgain(update, DEVICE);
            _assertRefused(update, IDISSC.DISSC_TooMuchGrowth.selector);
        }
        // One block less, and the contract looks at the rest
        update.size = 7 + (1 << 28);
        _signAgain(update, DEVICE);
        _assertRefused(update, IDISSC.DISSC_WrongNumberAppended.selector);
    }

    function test_Refuses_ALogOfMoreThan2To48Blocks() public {
        _forge(model, (1 << 48) - 5, 0);
        IDISSC.Update memory update = _update(model, _draw(1));
        uint64[2] memory sizes = [uint64((1 << 48) + 1), type(uint64).max];
        for (uint256 i = 0; i < sizes.length; ++i) {
            update.size = sizes[i];
            _signAgain(update, DEVICE);
            _assertRefusedAs(update, IDISSC.DISSC_TooMuchGrowth.selector);
        }
        update.size = 1 << 48;
        _assertRefusedAs(update, IDISSC.DISSC_WrongNumberOfPeaks.selector);
    }

    function test_Refuses_ASizeThatDoesNotFit() public {
        uint256[3] memory sizes = [uint256(1 << 64) + 9, (1 << 128) + 9, type(uint256).max];
        for (uint256 i = 0; i < sizes.length; ++i) {
            bytes memory data =
                abi.encodeCall(IDISSC.record, (new IDISSC.Charter[](0), _list(_update(model, _draw(2)))));
            _put(data, OFFSETS_AT + _get(data, OFFSETS_AT) + 0x20, sizes[i]);
            vm.recordLogs();
            vm.assertFalse(_call(data)[0], "refused");
            _assertRefusal(vm.getRecordedLogs()[0], model.dataset, IDISSC.DISSC_TooMuchGrowth.selector);
        }
    }

    // -------------------------------------------------------------------------------------------- form of the signature

    function test_Refuses_ASignatureOfAnotherLength() public {
        IDISSC.Update memory update = _update(model, _draw(1));
        bytes memory signature = update.signature;
        update.signature = "";
        _assertRefused(update, IDISSC.DISSC_BadSignatureLength.selector);
        update.signature = _cut(signature, 64);
        _assertRefused(update, IDISSC.DISSC_BadSignatureLength.selector);
        update.signature = bytes.concat(signature, hex"00");
        _assertRefused(update, IDISSC.DISSC_BadSignatureLength.selector);
    }

    function test_Refuses_AnotherV() public {
        IDISSC.Update memory update = _update(model, _draw(1));
        uint8[6] memory vs = [uint8(0), 1, 26, 29, 128, 255];
        for (uint256 i = 0; i < vs.length; ++i) {
            update.signature[64] = bytes1(vs[i]);
            _assertRefused(update, IDISSC.DISSC_NonCanonicalSignature.selector);
        }
    }

    function test_Refuses_TheTwinOfASignature() public {
        IDISSC.Update memory update = _update(model, _draw(1));
        update.signature = _twin(update.signature);
        (bytes32 r, bytes32 s, uint8 v) = _split(update.signature);
        bytes32 digest =
            _headDigest(block.chainid, address(dissc), model.dataset, IDISSC.Head(update.size, update.root));
        vm.assertEq(ecrecover(digest, v, r, s), vm.addr(DEVICE), "the twin recovers to the device as well");
        _assertRefused(update, IDISSC.DISSC_NonCanonicalSignature.selector);
    }

    function test_Refuses_TheFirstHighS_AndNotTheLastLowOne() public {
        IDISSC.Update memory update = _update(model, _draw(1));
        uint256 half = SECP256K1_ORDER / 2;
        update.signature = abi.encodePacked(bytes32(uint256(1)), half + 1, uint8(27));
        _assertRefused(update, IDISSC.DISSC_NonCanonicalSignature.selector);
        update.signature = abi.encodePacked(bytes32(uint256(1)), half, uint8(27));
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
    }

    // -------------------------------------------------------------------------------------------------------- who signed

    function test_Refuses_AnotherAccountsSignature() public {
        uint256[3] memory keys = [STRANGER, OWNER, OTHER_DEVICE];
        for (uint256 i = 0; i < keys.length; ++i) {
            IDISSC.Update memory update = _updateSignedBy(model, _draw(1), keys[i]);
            vm.prank(vm.addr(keys[i]));
            _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
        }
    }

    function test_Refuses_AFormerDevice_AndTakesTheNewOne() public {
        bytes32[] memory fresh = _draw(2);
        IDISSC.Update memory former = _update(model, fresh);
        _replaceDevice(model, OTHER_DEVICE, model.serial + 1);
        _assertRefused(former, IDISSC.DISSC_WrongSigner.selector);
        // The new one goes on from what the old one has recorded
        _record(model, fresh);
        _assertHead(model, "the new device's");
    }

    function test_Refuses_WhatTheDeviceSignedForSomethingElse() public {
        bytes32[] memory fresh = _draw(1);
        IDISSC.Update memory update = _update(model, fresh);
        IDISSC.Head memory head = IDISSC.Head(update.size, update.root);
        bytes32[6] memory digests = [
            _headDigest(block.chainid, address(dissc), third.dataset, head),
            _headDigest(block.chainid, address(dissc), model.dataset, IDISSC.Head(update.size + 1, update.root)),
            _headDigest(block.chainid, address(dissc), model.dataset, IDISSC.Head(update.size, ~update.root)),
            _headDigest(block.chainid + 1, address(dissc), model.dataset, head),
            _headDigest(block.chainid, address(this), model.dataset, head),
            _charterDigest(block.chainid, address(dissc), _charter(model, address(0)))
        ];
        for (uint256 i = 0; i < digests.length; ++i) {
            update.signature = _sign(DEVICE, digests[i]);
            _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
        }
        // Nor does a whole update go over to another dataset of the same device and the same log
        _record(third, _copy(model.leaves));
        update = _update(model, fresh);
        update.dataset = third.dataset;
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
    }

    function test_Refuses_AllOfItOnAChainThatSplitOff() public {
        IDISSC.Update memory update = _update(model, _draw(1));
        vm.chainId(block.chainid + 1);
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
    }

    function test_Refuses_ASignatureThatRecoversToNobody() public {
        IDISSC.Update memory update = _update(model, _draw(1));
        update.signature = abi.encodePacked(bytes32(0), bytes32(uint256(1)), uint8(27));
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
        update.signature = abi.encodePacked(type(uint256).max, bytes32(uint256(1)), uint8(28));
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
        // A dataset without a device is unknown, whoever nobody is
        _name(unknown, OWNER, "unknown", 0);
        update.dataset = unknown.dataset;
        _assertRefused(update, IDISSC.DISSC_UnknownDataset.selector);
    }

    // ----------------------------------------------------------------------------------------------------------- takes

    function test_Takes_AnHonestUpdate_WhoeverSendsIt() public {
        address[4] memory senders = [vm.addr(DEVICE), vm.addr(OWNER), vm.addr(STRANGER), address(this)];
        uint256[4] memory counts = [uint256(1), 2, 19, 40];
        for (uint256 i = 0; i < senders.length; ++i) {
            bytes32[] memory fresh = _draw(counts[i]);
            IDISSC.Update memory update = _update(model, fresh);
            vm.recordLogs();
            vm.prank(senders[i]);
            vm.assertTrue(_send(update), "accepted");
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            _note(model, fresh);
            vm.assertEq(logs.length, 1, "one event");
            _assertRecorded(logs[0], model, update);
            _assertHead(model, "after it");
            (address device, uint32 serial) = dissc.device(model.dataset);
            vm.assertTrue(device == vm.addr(DEVICE) && serial == model.serial, "device and serial as they were");
        }
    }

    function test_Writes_TwoSlots() public {
        IDISSC.Update[] memory updates = _list(_update(model, _draw(30)), _update(other, _draw(5)));
        vm.record();
        _send(updates);
        (, bytes32[] memory writes) = vm.accesses(address(dissc));
        vm.assertEq(writes.length, 4, "two slots a dataset");
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 slot = _slot(i < 2 ? model.dataset : other.dataset);
            vm.assertTrue(writes[i] == slot || writes[i] == bytes32(uint256(slot) + 1), "the dataset's own");
        }
    }

    function test_Takes_AFirstUpdate_OfOneBlockAndOf2To28() public {
        _grow(other, 1);
        _assertHead(other, "one block");
        LazyTree.Leaves memory leaves = LazyTree.make("first", _draw3(1 << 28));
        IDISSC.Update memory update = _lazy(third, leaves, 0, 1 << 28);
        vm.assertEq(update.appended.length, 1, "one subtree");
        vm.assertTrue(_send(update), "accepted");
        _assertHeadIs(third, 1 << 28, LazyTree.root(leaves, 0, 1 << 28));
    }

    function test_Takes_UpdatesOfOneDatasetInOrder() public {
        bytes32[] memory one = _draw(3);
        IDISSC.Update memory first = _update(model, one);
        _note(model, one);
        bytes32[] memory two = _draw(6);
        IDISSC.Update memory second = _update(model, two);
        vm.recordLogs();
        bool[] memory accepted = _send(_list(second, first, second));
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertTrue(!accepted[0] && accepted[1] && accepted[2], "the second before the first is refused");
        _note(model, two);
        _assertHead(model, "both");
        vm.assertEq(logs.length, 3, "events");
        _assertRefusal(logs[0], model.dataset, IDISSC.DISSC_WrongNumberOfPeaks.selector);
    }

    function test_Takes_TheGoodOnesAmongMany() public {
        IDISSC.Update[] memory updates = new IDISSC.Update[](60);
        for (uint256 i = 0; i < updates.length; ++i) {
            _open(models[i], OWNER, bytes32(i), DEVICE);
            bytes32[] memory fresh = _draw(1 + i % 12);
            updates[i] = _updateSignedBy(models[i], fresh, i % 3 == 1 ? STRANGER : DEVICE);
            if (i % 3 != 1) _note(models[i], fresh);
        }
        vm.recordLogs();
        bool[] memory accepted = _send(updates);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(accepted.length, updates.length, "flags");
        vm.assertEq(logs.length, updates.length, "an event for each");
        for (uint256 i = 0; i < updates.length; ++i) {
            vm.assertTrue(accepted[i] == (i % 3 != 1), "flag");
            _assertHead(models[i], "each");
            if (accepted[i]) _assertRecorded(logs[i], models[i], updates[i]);
            else _assertRefusal(logs[i], models[i].dataset, IDISSC.DISSC_WrongSigner.selector);
        }
    }

    function test_Takes_AGrowthTo2To48_AndNothingAfter() public {
        uint64 last = 1 << 48;
        uint64 before = last - (1 << 28) + 12_345;
        LazyTree.Leaves memory leaves = LazyTree.make("last", _draw3(last));
        _forge(model, before, LazyTree.root(leaves, 0, before));
        vm.assertTrue(_send(_lazy(model, leaves, before, last)), "accepted");
        _assertHeadIs(model, last, LazyTree.root(leaves, 0, last));
        IDISSC.Update memory update = _lazy(model, leaves, before, last);
        update.size = last + 1;
        _signAgain(update, DEVICE);
        _assertRefusedAs(update, IDISSC.DISSC_TooMuchGrowth.selector);
    }

    /// @dev Of a log that may be long: by special leaves, and the device's signature.
    function _lazy(Model storage log, LazyTree.Leaves memory leaves, uint256 from, uint256 to)
        private
        view
        returns (IDISSC.Update memory update)
    {
        (update.dataset, update.size, update.root) = (log.dataset, uint64(to), LazyTree.root(leaves, 0, to));
        (update.peaks, update.appended) = (LazyTree.peaks(leaves, from), LazyTree.appended(leaves, from, to));
        _signAgain(update, log.deviceKey);
    }

    // -------------------------------------------------------------------------------------------------------- the bench

    mapping(uint256 => Model) private models;

    function _assertRefused(IDISSC.Update memory update, bytes4 reason) private {
        _assertRefusedAs(update, reason);
        _assertHead(model, "as it was");
    }

    function _assertRefusedAs(IDISSC.Update memory update, bytes4 reason) private {
        (uint64 size, bytes32 root) = dissc.head(update.dataset);
        vm.recordLogs();
        bool[] memory accepted = _send(_list(update));
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertTrue(accepted.length == 1 && !accepted[0], "refused");
        vm.assertEq(logs.length, 1, "one event");
        _assertRefusal(logs[0], update.dataset, reason);
        (uint64 sizeNow, bytes32 rootNow) = dissc.head(update.dataset);
        vm.assertTrue(size == sizeNow && root == rootNow, "the head has not moved");
    }

    function _assertRefusal(Cheats.Log memory log, bytes32 dataset, bytes4 reason) private pure {
        vm.assertEq(log.topics[0], keccak256("UpdateRefused(bytes32,bytes4)"), "UpdateRefused");
        vm.assertEq(log.topics[1], dataset, "refused dataset");
        vm.assertEq(log.data, abi.encode(reason), "reason");
    }

    function _assertRecorded(Cheats.Log memory log, Model storage of_, IDISSC.Update memory update) private view {
        vm.assertEq(log.topics[0], keccak256("Recorded(bytes32,address,uint64,bytes32,bytes32[])"), "Recorded");
        vm.assertEq(log.topics[1], of_.dataset, "dataset");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(vm.addr(of_.deviceKey)))), "signer");
        vm.assertEq(log.data, abi.encode(update.size, update.root, update.appended), "head and appended");
    }

    function _assertHeadIs(Model storage log, uint64 size, bytes32 root) private view {
        (uint64 seenSize, bytes32 seenRoot) = dissc.head(log.dataset);
        vm.assertTrue(seenSize == size && seenRoot == root, "head");
    }

    /// @dev Another contract and other logs, as `setUp` makes them.
    function _startOver() private {
        (model.serial, other.serial, third.serial) = (0, 0, 0);
        delete model.leaves;
        delete other.leaves;
        delete third.leaves;
        setUp();
    }

    /// @dev A call with three honest updates, and where the middle one begins.
    function _threeUpdates() private returns (bytes memory data, uint256 middle) {
        IDISSC.Update[] memory updates =
            _list(_update(model, _draw(3)), _update(other, _draw(2)), _update(third, _draw(4)));
        data = abi.encodeCall(IDISSC.record, (new IDISSC.Charter[](0), updates));
        middle = OFFSETS_AT + _get(data, OFFSETS_AT + 0x20);
        vm.assertEq(bytes32(_get(data, middle)), other.dataset, "the middle one is where it is thought to be");
    }

    function _call(bytes memory data) private returns (bool[] memory) {
        (bool ok, bytes memory answer) = address(dissc).call(data);
        vm.assertTrue(ok, "the call as a whole succeeds");
        return abi.decode(answer, (bool[]));
    }

    function _assertOnlyTheMiddleOneRefused(bytes memory data, bytes32 dataset) private {
        vm.recordLogs();
        bool[] memory accepted = _call(data);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertTrue(accepted[0] && !accepted[1] && accepted[2], "only the middle one is refused");
        vm.assertEq(logs.length, 3, "events");
        _assertRefusal(logs[1], dataset, IDISSC.DISSC_MalformedUpdate.selector);
        _assertHead(other, "the middle one");
    }

    /// @dev Moves a dataset's head, both slots, to where no test could get it in time.
    function _forge(Model storage log, uint64 size, bytes32 root) private {
        bytes32 slot = _slot(log.dataset);
        uint256 word = uint256(uint160(vm.addr(log.deviceKey))) | (uint256(size) << 160) | (uint256(log.serial) << 224);
        vm.store(address(dissc), slot, bytes32(word));
        vm.store(address(dissc), bytes32(uint256(slot) + 1), root);
        _assertHeadIs(log, size, root);
    }

    function _slot(bytes32 dataset) private pure returns (bytes32) {
        return keccak256(abi.encode(dataset, uint256(0)));
    }

    /// @dev Three indices below `size`: the first, the last, and one in between.
    function _draw3(uint256 size) private returns (uint256[] memory special) {
        special = new uint256[](3);
        (special[1], special[2]) = (uint256(_draw()) % size, size - 1);
    }

    function _copy(bytes32[] storage list) private pure returns (bytes32[] memory) {
        return list;
    }

    function _cut(bytes memory data, uint256 length) private pure returns (bytes memory part) {
        part = bytes.concat(data);
        assembly ("memory-safe") {
            mstore(part, length)
        }
    }

    function _put(bytes memory data, uint256 position, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 32), position), word)
        }
    }

    function _get(bytes memory data, uint256 position) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), position))
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
