// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";

/// @title record.tree, leaf by leaf
contract RecordTest is DisscTest {
    address private constant OWNER = address(0xA11CE);
    uint256 private constant DEVICE = 0xD0;
    uint256 private constant OTHER_DEVICE = 0xD1;
    uint256 private constant STRANGER = 0x5;

    Model private model;
    Model private other;

    function setUp() public override {
        super.setUp();
        _open(model, OWNER, "one", DEVICE);
        _open(other, OWNER, "other", OTHER_DEVICE);
        _record(model, _one(_rooted(7)));
    }

    // ---------------------------------------------------------------------------------------------------- no updates

    function test_NoUpdates_ReturnsNoFlags() public {
        vm.recordLogs();
        bool[] memory accepted = dissc.record(new IDISSC.Update[](0));
        vm.assertEq(accepted.length, 0, "flags");
        vm.assertEq(vm.getRecordedLogs().length, 0, "events");
    }

    // ------------------------------------------------------------------------------------------------------- encoding

    // The call's data: selector, 0x20, number of updates, an offset for each; then the updates, each of them dataset and the
    // offsets of leaves, sealedDigests and signature, and these byte strings.
    uint256 private constant OFFSETS_AT = 4 + 0x40;

    function test_Refuses_AnUpdateThatLiesPastTheEnd() public {
        (bytes memory data,) = _threeUpdates();
        _put(data, OFFSETS_AT + 0x20, data.length);
        _assertOnlyTheMiddleOneRefused(data, 0);
    }

    function test_Refuses_AnUpdateWhoseFixedPartIsCutOff() public {
        (bytes memory data,) = _threeUpdates();
        // Its last word would begin one byte too late
        _put(data, OFFSETS_AT + 0x20, data.length - OFFSETS_AT - 0x80 + 1);
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
        for (uint256 part = 1; part <= 3; ++part) {
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
        for (uint256 part = 1; part <= 3; ++part) {
            (bytes memory data, uint256 middle) = _threeUpdates();
            // Backwards from the update, to the number of updates: read as a length, it says 3 bytes
            unchecked {
                _put(data, middle + part * 0x20, 4 + 0x20 - middle);
            }
            _assertOnlyTheMiddleOneRefused(data, other.dataset);
            _startOver();
        }
    }

    function test_Refuses_APartWhoseLengthLeadsOutside() public {
        for (uint256 part = 1; part <= 3; ++part) {
            (bytes memory data, uint256 middle) = _threeUpdates();
            uint256 position = middle + _get(data, middle + part * 0x20);
            // The last length that fits leads to another refusal; one more byte is outside
            uint256 fits = data.length - position - 0x20;
            uint256[4] memory outside = [fits + 1, 1 << 64, type(uint256).max - position, type(uint256).max];
            for (uint256 i = 0; i < outside.length; ++i) {
                (data, middle) = _threeUpdates();
                _put(data, position, outside[i]);
                _assertOnlyTheMiddleOneRefused(data, other.dataset);
                _startOver();
            }
        }
    }

    function test_Takes_AnUpdateThatEndsWithTheCall() public {
        // Without the padding behind the last signature, the update ends with the last byte
        bytes memory data = abi.encodeCall(IDISSC.record, (_list(_update(model, _one(_rooted(3))))));
        assembly ("memory-safe") {
            mstore(data, sub(mload(data), 31))
        }
        (bool ok, bytes memory answer) = address(dissc).call(data);
        vm.assertTrue(ok && abi.decode(answer, (bool[]))[0], "accepted");
    }

    function test_Reverts_WhenTheArrayItselfLiesOutside() public {
        (bytes memory data,) = _threeUpdates();
        _put(data, 4 + 0x20, data.length);
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
        (bool ok, bytes memory answer) = address(dissc).call(data);
        vm.assertTrue(ok, "the call as a whole succeeds");
        bool[] memory accepted = abi.decode(answer, (bool[]));
        vm.assertTrue(accepted[0] && accepted[2], "the honest updates are accepted");
    }

    // -------------------------------------------------------------------------------------------------- unknown dataset

    function test_Refuses_ADatasetThatNobodyOpened() public {
        IDISSC.Update memory update = _update(model, _one(_rooted(1)));
        update.dataset = "nobody's";
        _assertRefused(update, IDISSC.DISSC_UnknownDataset.selector);
    }

    // --------------------------------------------------------------------------------------------------------- lengths

    function test_Refuses_NoLeaves() public {
        Batch[] memory none = new Batch[](0);
        _assertRefused(_update(model, none), IDISSC.DISSC_BadLeavesLength.selector);
    }

    function test_Refuses_LeavesCutShortOrLeftOver() public {
        IDISSC.Update memory update = _update(model, _one(_rooted(1)));
        bytes memory leaves = update.leaves;
        update.leaves = _cut(leaves, 68);
        _assertRefused(update, IDISSC.DISSC_BadLeavesLength.selector);
        update.leaves = bytes.concat(leaves, hex"00");
        _assertRefused(update, IDISSC.DISSC_BadLeavesLength.selector);
    }

    function test_Refuses_ASignatureOfAnotherLength() public {
        IDISSC.Update memory update = _update(model, _one(_rooted(1)));
        bytes memory signature = update.signature;
        update.signature = "";
        _assertRefused(update, IDISSC.DISSC_BadSignatureLength.selector);
        update.signature = _cut(signature, 64);
        _assertRefused(update, IDISSC.DISSC_BadSignatureLength.selector);
        update.signature = bytes.concat(signature, hex"00");
        _assertRefused(update, IDISSC.DISSC_BadSignatureLength.selector);
    }

    // --------------------------------------------------------------------------------------------------------- the end

    function test_Refuses_MoreBatchesThanALogHolds() public {
        // 2^32 - 2 batches: 31 peaks, all of them whatever the slots hold
        _forgeBatches(model.dataset, type(uint32).max - 1);
        Batch[] memory batches = new Batch[](2);
        (batches[0], batches[1]) = (_rooted(1), _rooted(1));
        IDISSC.Update memory update = IDISSC.Update(model.dataset, _pack(batches), "", new bytes(65));
        _assertRefused(update, IDISSC.DISSC_LogFull.selector);
    }

    function test_Takes_TheLastBatchThatALogHolds() public {
        _forgeBatches(model.dataset, type(uint32).max - 1);
        Batch memory batch = _rooted(1024);

        // The root by hand: 31 peaks and the new leaf, each the left sibling of all that follow
        bytes32 root = sha256(abi.encodePacked(hex"00", _leaf(model.dataset, model.size, batch)));
        for (uint256 rank = 31; rank > 0; --rank) {
            root = sha256(abi.encodePacked(hex"01", vm.load(address(dissc), _peakSlot(model.dataset, rank - 1)), root));
        }
        IDISSC.Head memory head = IDISSC.Head(model.size + 1024, type(uint32).max, root);
        bytes memory signature = _sign(DEVICE, _digest(block.chainid, address(dissc), model.dataset, head));
        IDISSC.Update memory update = IDISSC.Update(model.dataset, _pack(_one(batch)), "", signature);
        vm.assertTrue(dissc.record(_list(update))[0], "accepted");

        (, uint32 batches, bytes32 seen) = dissc.head(model.dataset);
        vm.assertEq(batches, type(uint32).max, "batches");
        vm.assertEq(seen, root, "root");
        _assertRefused(update, IDISSC.DISSC_LogFull.selector);
    }

    // --------------------------------------------------------------------------------------------------------- batches

    function test_Refuses_ABatchOfNoneOrTooManyBlocks() public {
        uint32[3] memory counts = [uint32(0), 1025, type(uint32).max];
        for (uint256 i = 0; i < counts.length; ++i) {
            Batch[] memory batches = new Batch[](2);
            (batches[0], batches[1]) = (_rooted(5), _rooted(counts[i] % 2048));
            batches[1].count = counts[i];
            _assertRefused(_update(model, batches), IDISSC.DISSC_BadCount.selector);
        }
    }

    function test_Takes_ABatchOfOneAndOf1024Blocks() public {
        _record(model, _one(_rooted(1)));
        _record(model, _one(_rooted(1024)));
        _assertHead(model, "after them");
    }

    function test_Refuses_AFlagThatIsNeither0Nor1() public {
        uint8[3] memory flags = [uint8(2), 128, 255];
        for (uint256 i = 0; i < flags.length; ++i) {
            Batch memory batch = _published(2);
            batch.published = flags[i];
            _assertRefused(_update(model, _one(batch)), IDISSC.DISSC_BadPublishedFlag.selector);
        }
    }

    function test_Refuses_SealedDigestsOfAnotherLength() public {
        Batch[] memory batches = new Batch[](2);
        (batches[0], batches[1]) = (_published(3), _published(2));
        IDISSC.Update memory update = _update(model, batches);
        bytes memory digests = update.sealedDigests;

        update.sealedDigests = "";
        _assertRefused(update, IDISSC.DISSC_BadSealedLength.selector);
        update.sealedDigests = _cut(digests, 3 * 32);
        _assertRefused(update, IDISSC.DISSC_BadSealedLength.selector);
        update.sealedDigests = _cut(digests, digests.length - 1);
        _assertRefused(update, IDISSC.DISSC_BadSealedLength.selector);
        update.sealedDigests = bytes.concat(digests, hex"00");
        _assertRefused(update, IDISSC.DISSC_BadSealedLength.selector);

        update = _update(model, _one(_rooted(1)));
        update.sealedDigests = new bytes(32);
        _assertRefused(update, IDISSC.DISSC_BadSealedLength.selector);
    }

    function test_Refuses_AtOnce_WhatNeedsMoreSealedDigestsThanItBrings() public {
        // To hash 32 KiB that are not there, 500 times, would take 5 million gas and could starve the other updates
        Batch[] memory batches = new Batch[](500);
        for (uint256 i = 0; i < batches.length; ++i) {
            batches[i] = _rooted(1024);
            batches[i].published = 1;
        }
        IDISSC.Update[] memory updates = _list(IDISSC.Update(model.dataset, _pack(batches), "", new bytes(65)));
        updates[0].signature[64] = bytes1(uint8(27));
        bytes memory data = abi.encodeCall(IDISSC.record, (updates));
        (bool ok,) = address(dissc).call{ gas: 50_000 }(data);
        vm.assertTrue(ok, "done with 50,000 gas");
        _assertRefused(updates[0], IDISSC.DISSC_BadSealedLength.selector);
    }

    // --------------------------------------------------------------------------------------------- form of the signature

    function test_Refuses_AnotherV() public {
        IDISSC.Update memory update = _update(model, _one(_rooted(1)));
        uint8[6] memory vs = [uint8(0), 1, 26, 29, 128, 255];
        for (uint256 i = 0; i < vs.length; ++i) {
            update.signature[64] = bytes1(vs[i]);
            _assertRefused(update, IDISSC.DISSC_NonCanonicalSignature.selector);
        }
    }

    function test_Refuses_TheTwinOfASignature() public {
        Batch[] memory batches = _one(_rooted(1));
        IDISSC.Update memory update = _update(model, batches);
        update.signature = _twin(update.signature);
        (bytes32 r, bytes32 s, uint8 v) = _split(update.signature);
        bytes32 digest = _digest(block.chainid, address(dissc), model.dataset, _after(model, batches));
        vm.assertEq(ecrecover(digest, v, r, s), vm.addr(DEVICE), "the twin recovers to the device as well");
        _assertRefused(update, IDISSC.DISSC_NonCanonicalSignature.selector);
    }

    function test_Refuses_TheFirstHighS_AndNotTheLastLowOne() public {
        IDISSC.Update memory update = _update(model, _one(_rooted(1)));
        uint256 half = SECP256K1_ORDER / 2;
        update.signature = abi.encodePacked(bytes32(uint256(1)), half + 1, uint8(27));
        _assertRefused(update, IDISSC.DISSC_NonCanonicalSignature.selector);
        update.signature = abi.encodePacked(bytes32(uint256(1)), half, uint8(27));
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
    }

    // -------------------------------------------------------------------------------------------------------- who signed

    function test_Refuses_AStrangersSignature() public {
        IDISSC.Update memory update = _updateSignedBy(model, _one(_rooted(1)), STRANGER);
        vm.prank(vm.addr(STRANGER));
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
    }

    function test_Refuses_TheOwnersSignature() public {
        Model storage own = models[0];
        _open(own, vm.addr(STRANGER), "own", DEVICE);
        IDISSC.Update memory update = _updateSignedBy(own, _one(_rooted(1)), STRANGER);
        _assertRefused(own, update, IDISSC.DISSC_WrongSigner.selector);
    }

    function test_Refuses_AFormerDevice_AndTakesTheNewOne() public {
        Batch[] memory batches = _one(_rooted(1));
        IDISSC.Update memory former = _update(model, batches);
        vm.prank(OWNER);
        dissc.setDevice(model.dataset, vm.addr(OTHER_DEVICE));
        _assertRefused(former, IDISSC.DISSC_WrongSigner.selector);

        model.deviceKey = OTHER_DEVICE;
        _record(model, batches);
        _assertHead(model, "the new device adopts the batch");
    }

    function test_Refuses_ASignatureThatRecoversToNobody() public {
        IDISSC.Update memory update = _update(model, _one(_rooted(1)));
        update.signature = abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
    }

    // ------------------------------------------------------------------------------------------------------ what is signed

    function test_Refuses_ASignatureForAnotherChain() public {
        Batch[] memory batches = _one(_rooted(1));
        bytes32 digest = _digest(block.chainid + 1, address(dissc), model.dataset, _after(model, batches));
        _assertRefused(_withSignature(batches, digest), IDISSC.DISSC_WrongSigner.selector);
    }

    function test_Refuses_OnASplitChain_WhatWasSignedBeforeTheSplit() public {
        Batch[] memory batches = _one(_rooted(1));
        IDISSC.Update memory update = _update(model, batches);
        vm.chainId(block.chainid + 1);
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
        _record(model, batches);
    }

    function test_Refuses_ASignatureForAnotherContract() public {
        Batch[] memory batches = _one(_rooted(1));
        bytes32 digest = _digest(block.chainid, address(_deploy()), model.dataset, _after(model, batches));
        _assertRefused(_withSignature(batches, digest), IDISSC.DISSC_WrongSigner.selector);
    }

    function test_Refuses_ASignatureForAnotherDatasetOfTheSameDevice() public {
        Model storage twin = models[0];
        _open(twin, OWNER, "twin", DEVICE);
        Batch[] memory batches = _one(_rooted(7));
        // Both logs are brought to the same size and number of batches; the update moves from one to the other
        _record(twin, batches);
        batches = _one(_rooted(1));
        IDISSC.Update memory update = _update(twin, batches);
        update.dataset = model.dataset;
        _assertRefused(update, IDISSC.DISSC_WrongSigner.selector);
    }

    function test_Refuses_ASignatureOfAnotherSizeNumberOrRoot() public {
        Batch[] memory batches = _one(_rooted(1));
        for (uint256 field = 0; field < 3; ++field) {
            IDISSC.Head memory head = _after(model, batches);
            if (field == 0) head.size += 1;
            if (field == 1) head.batches += 1;
            if (field == 2) head.root ^= bytes32(uint256(1));
            bytes32 digest = _digest(block.chainid, address(dissc), model.dataset, head);
            _assertRefused(_withSignature(batches, digest), IDISSC.DISSC_WrongSigner.selector);
        }
    }

    function testFuzz_Refuses_AnUpdateWithAnyBitChanged(uint256 position, uint8 bit) public {
        Batch[] memory batches = new Batch[](3);
        (batches[0], batches[1], batches[2]) = (_rooted(9), _published(2), _rooted(1024));
        IDISSC.Update memory update = _update(model, batches);
        position = position % (update.leaves.length + update.sealedDigests.length + update.signature.length);
        bytes memory part = update.leaves;
        if (position >= part.length) {
            position -= part.length;
            part = update.sealedDigests;
            if (position >= part.length) {
                position -= part.length;
                part = update.signature;
            }
        }
        part[position] ^= bytes1(uint8(1) << (bit % 8));
        vm.assertFalse(dissc.record(_list(update))[0], "accepted");
        _assertHead(model, "the head has not moved");
    }

    // ------------------------------------------------------------------------------------------------------- replay, order

    function test_Refuses_AReplay() public {
        IDISSC.Update memory update = _update(model, _one(_rooted(3)));
        vm.assertTrue(dissc.record(_list(update))[0], "accepted once");
        (uint64 size, uint32 batches, bytes32 root) = dissc.head(model.dataset);
        vm.assertFalse(dissc.record(_list(update))[0], "accepted twice");
        (uint64 sizeNow, uint32 batchesNow, bytes32 rootNow) = dissc.head(model.dataset);
        vm.assertTrue(size == sizeNow && batches == batchesNow && root == rootNow, "the head has not moved");
    }

    function test_Refuses_AnUpdateBeforeItsTurn_AndTakesItInTurn() public {
        Batch[] memory firstBatches = _one(_rooted(3));
        IDISSC.Update memory first = _update(model, firstBatches);
        Batch[] memory both = new Batch[](2);
        (both[0], both[1]) = (firstBatches[0], _rooted(4));
        IDISSC.Update memory second = _update(model, both);
        second.leaves = _pack(_one(both[1]));

        _assertRefused(second, IDISSC.DISSC_WrongSigner.selector);
        bool[] memory accepted = dissc.record(_list(second, first, second));
        vm.assertTrue(!accepted[0] && accepted[1] && accepted[2], "in turn");
        _note(model, both);
        _assertHead(model, "after both");
    }

    function test_Takes_BothBatchesUnderTheSecondSignature() public {
        // What makes a device's newest signature enough: it vouches for all before it
        Batch[] memory both = new Batch[](2);
        (both[0], both[1]) = (_rooted(3), _rooted(4));
        _record(model, both);
        _assertHead(model, "after both");
    }

    // ----------------------------------------------------------------------------------------------------------- accepted

    function test_Accepts_AndSaysSo_WhoeverSends() public {
        Batch[] memory batches = _one(_rooted(1024));
        IDISSC.Update memory update = _update(model, batches);
        IDISSC.Head memory head = _after(model, batches);
        vm.recordLogs();
        vm.prank(vm.addr(STRANGER));
        bool[] memory accepted = dissc.record(_list(update));
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        vm.assertTrue(accepted.length == 1 && accepted[0], "accepted");
        vm.assertEq(logs.length, 1, "one event");
        _assertRecorded(logs[0], model, head);
        _note(model, batches);
        _assertHead(model, "after it");
    }

    function test_Emits_ThePublishedBatches() public {
        Batch[] memory batches = new Batch[](5);
        (batches[0], batches[1], batches[2]) = (_rooted(10), _published(3), _rooted(1024));
        (batches[3], batches[4]) = (_published(1), _rooted(2));
        IDISSC.Update memory update = _update(model, batches);
        vm.recordLogs();
        dissc.record(_list(update));
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        vm.assertEq(logs.length, 3, "events");
        _assertRecorded(logs[0], model, _after(model, batches));
        _assertPublished(logs[1], 7 + 10, batches[1]);
        _assertPublished(logs[2], 7 + 10 + 3 + 1024, batches[3]);
        _note(model, batches);
        _assertHead(model, "after them");
    }

    function test_Emits_NothingOfARefusedUpdateButTheRefusal() public {
        IDISSC.Update memory update = _updateSignedBy(model, _one(_published(2)), STRANGER);
        vm.recordLogs();
        dissc.record(_list(update));
        vm.assertEq(vm.getRecordedLogs().length, 1, "events");
    }

    function test_Takes_AFullPublishedBatch() public {
        _record(model, _one(_published(1024)));
        _assertHead(model, "after it");
    }

    function test_Leaves_EveryOtherDataset() public {
        _record(other, _one(_rooted(5)));
        _record(model, _one(_published(5)));
        _assertHead(other, "the other");
        (address owner, address device) = dissc.parties(other.dataset);
        vm.assertTrue(owner == OWNER && device == vm.addr(OTHER_DEVICE), "its parties");
    }

    function test_Takes_TwoUpdatesOfOneDatasetInOneCall() public {
        Batch[] memory firstBatches = _one(_rooted(3));
        IDISSC.Update memory first = _update(model, firstBatches);
        _note(model, firstBatches);
        Batch[] memory secondBatches = _one(_published(4));
        IDISSC.Update memory second = _update(model, secondBatches);
        _note(model, secondBatches);

        bool[] memory accepted = dissc.record(_list(first, second));
        vm.assertTrue(accepted[0] && accepted[1], "accepted");
        _assertHead(model, "after both");
    }

    function test_Refuses_ASecondCopyInTheSameCall() public {
        Batch[] memory batches = _one(_rooted(3));
        IDISSC.Update memory update = _update(model, batches);
        bool[] memory accepted = dissc.record(_list(update, update));
        vm.assertTrue(accepted[0] && !accepted[1], "once");
        _note(model, batches);
        _assertHead(model, "after one");
    }

    function test_Takes_HonestUpdatesBetweenRefusedOnes() public {
        // The refused ones leave peaks, leaves and sealed digests behind in memory that the next one uses
        _grow(model, 30);
        _grow(other, 7);
        Batch[] memory bad = new Batch[](9);
        for (uint256 i = 0; i < 9; ++i) {
            bad[i] = _published(40);
        }
        Batch[] memory mine = _one(_published(2));
        Batch[] memory others = _one(_rooted(6));
        IDISSC.Update[] memory updates = new IDISSC.Update[](5);
        updates[0] = _updateSignedBy(model, bad, STRANGER);
        updates[1] = _update(other, others);
        updates[2] = _updateSignedBy(model, bad, STRANGER);
        updates[3] = _update(model, mine);
        updates[4] = _updateSignedBy(model, bad, STRANGER);

        bool[] memory accepted = dissc.record(updates);
        vm.assertTrue(!accepted[0] && accepted[1] && !accepted[2] && accepted[3] && !accepted[4], "flags");
        _note(model, mine);
        _note(other, others);
        _assertHead(model, "model");
        _assertHead(other, "other");
    }

    function test_ReachesTheRoot_HoweverBatchesAreCutIntoUpdates() public {
        for (uint256 cut = 1; cut < 70; ++cut) {
            Model storage log = models[cut];
            _open(log, OWNER, bytes32(cut), DEVICE);
            _grow(log, cut);
            _assertHead(log, "first part");
            _grow(log, 70);
            _assertHead(log, "both parts");
        }
    }

    function test_ReachesTheRoot_OneByOne() public {
        for (uint256 length = 2; length <= 70; ++length) {
            _grow(model, length);
            _assertHead(model, "grown by one");
        }
    }

    function testFuzz_ReachesTheRoot(uint256 seed) public {
        while (model.leaves.length < 130) {
            seed = uint256(keccak256(abi.encode(seed)));
            Batch[] memory batches = new Batch[](1 + seed % 60);
            for (uint256 i = 0; i < batches.length; ++i) {
                uint256 dice = uint256(keccak256(abi.encode(seed, i)));
                batches[i] = dice % 5 == 0 ? _published(uint32(1 + dice % 3)) : _rooted(uint32(1 + dice % 1024));
            }
            _record(model, batches);
            _assertHead(model, "after some");
        }
    }

    function test_Touches_TheSameSlotsHoweverTheLogHasGrown() public {
        uint256[6] memory lengths = [uint256(8), 15, 16, 100, 127, 128];
        for (uint256 i = 0; i < lengths.length; ++i) {
            Model storage atOnce = models[2 * i];
            Model storage oneByOne = models[2 * i + 1];
            _open(atOnce, OWNER, bytes32(2 * i), DEVICE);
            _open(oneByOne, OWNER, bytes32(2 * i + 1), DEVICE);
            _grow(atOnce, lengths[i]);
            for (uint256 length = 1; length <= lengths[i]; ++length) {
                _grow(oneByOne, length);
            }
            uint256 touched = 4;
            while (2 ** (touched + 1) - 1 <= lengths[i]) ++touched;
            for (uint256 rank = 0; rank < 32; ++rank) {
                string memory message = rank < touched ? "touched" : "not touched";
                bool expected = rank < touched;
                vm.assertTrue((vm.load(address(dissc), _peakSlot(atOnce.dataset, rank)) != 0) == expected, message);
                vm.assertTrue((vm.load(address(dissc), _peakSlot(oneByOne.dataset, rank)) != 0) == expected, message);
            }
        }
    }

    function test_Writes_OnlyTheHeadAndThePeaksThatHaveChanged() public {
        _assertWrites(0, 4, hex"00");
        _assertWrites(4, 5, hex"01");
        _assertWrites(5, 6, hex"01");
        _assertWrites(6, 7, hex"02");
        _assertWrites(7, 8, hex"00");
        _assertWrites(8, 30, hex"00010203");
        _assertWrites(30, 31, hex"04");
        // 30 batches have 4 peaks and 32 one, but 31 have 5: the fifth slot is touched in passing
        _assertWrites(30, 32, hex"0004");
        _assertWrites(32, 62, hex"01020304");
        _assertWrites(62, 64, hex"0005");
    }

    function test_Takes_ManyUpdatesAndManyBatches() public {
        IDISSC.Update[] memory updates = new IDISSC.Update[](60);
        for (uint256 i = 0; i < updates.length; ++i) {
            _open(models[i], OWNER, bytes32(i), DEVICE);
            Batch[] memory batches = i == 7 ? new Batch[](500) : new Batch[](1);
            for (uint256 j = 0; j < batches.length; ++j) {
                batches[j] = _rooted(1024);
            }
            updates[i] = i % 3 == 1 ? _updateSignedBy(models[i], batches, STRANGER) : _update(models[i], batches);
            if (i % 3 != 1) _note(models[i], batches);
        }
        bool[] memory accepted = dissc.record(updates);
        vm.assertEq(accepted.length, updates.length, "flags");
        for (uint256 i = 0; i < updates.length; ++i) {
            vm.assertTrue(accepted[i] == (i % 3 != 1), "flag");
            _assertHead(models[i], "each");
        }
    }

    // -------------------------------------------------------------------------------------------------------- the bench

    mapping(uint256 => Model) private models;

    /// @dev An update of `model` with a signature over something of the test's choosing.
    function _withSignature(Batch[] memory batches, bytes32 digest) private view returns (IDISSC.Update memory) {
        return IDISSC.Update(model.dataset, _pack(batches), _packSealed(batches), _sign(DEVICE, digest));
    }

    function _assertRefused(IDISSC.Update memory update, bytes4 reason) private {
        _assertRefused(model, update, reason);
    }

    function _assertRefused(Model storage log, IDISSC.Update memory update, bytes4 reason) private {
        (uint64 size, uint32 batches, bytes32 root) = dissc.head(log.dataset);
        vm.recordLogs();
        bool[] memory accepted = dissc.record(_list(update));
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        vm.assertTrue(accepted.length == 1 && !accepted[0], "refused");
        vm.assertEq(logs.length, 1, "one event");
        _assertRefusal(logs[0], update.dataset, reason);
        (uint64 sizeNow, uint32 batchesNow, bytes32 rootNow) = dissc.head(log.dataset);
        vm.assertTrue(size == sizeNow && batches == batchesNow && root == rootNow, "the head has not moved");
    }

    function _assertRefusal(Cheats.Log memory log, bytes32 dataset, bytes4 reason) private pure {
        vm.assertEq(log.topics[0], IDISSC.UpdateRefused.selector, "UpdateRefused");
        vm.assertEq(log.topics[1], dataset, "refused dataset");
        vm.assertEq(log.data, abi.encode(reason), "reason");
    }

    function _assertRecorded(Cheats.Log memory log, Model storage of_, IDISSC.Head memory head) private view {
        vm.assertEq(log.topics[0], keccak256("Recorded(bytes32,address,uint64,uint32,bytes32)"), "Recorded");
        vm.assertEq(log.topics[1], of_.dataset, "dataset");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(vm.addr(of_.deviceKey)))), "signer");
        vm.assertEq(log.data, abi.encode(head.size, head.batches, head.root), "head");
    }

    function _assertPublished(Cheats.Log memory log, uint64 first, Batch memory batch) private view {
        bytes32 topic = keccak256("Published(bytes32,uint64,uint32,bytes32,bytes32,bytes)");
        vm.assertEq(log.topics[0], topic, "Published");
        vm.assertEq(log.topics[1], model.dataset, "dataset");
        vm.assertEq(log.topics[2], bytes32(uint256(first)), "first");
        vm.assertEq(
            log.data,
            abi.encode(batch.count, batch.salt, batch.batchRoot, batch.sealedDigests),
            "count, salt, root, digests"
        );
    }

    /// @dev Another contract and other logs, as `setUp` makes them.
    function _startOver() private {
        (model.size, other.size, models[999].dataset) = (0, 0, 0);
        delete model.leaves;
        delete other.leaves;
        setUp();
    }

    /// @dev A call with three honest updates, and where the middle one begins.
    function _threeUpdates() private returns (bytes memory data, uint256 middle) {
        IDISSC.Update memory first = _update(model, _one(_rooted(3)));
        IDISSC.Update memory second = _update(other, _one(_published(2)));
        Model storage third = models[999];
        if (third.dataset == 0) _open(third, OWNER, "third", DEVICE);
        data = abi.encodeCall(IDISSC.record, (_list(first, second, _update(third, _one(_rooted(4))))));
        middle = OFFSETS_AT + _get(data, OFFSETS_AT + 0x20);
        vm.assertEq(bytes32(_get(data, middle)), other.dataset, "the middle one is where it is thought to be");
    }

    function _assertOnlyTheMiddleOneRefused(bytes memory data, bytes32 dataset) private {
        vm.recordLogs();
        (bool ok, bytes memory answer) = address(dissc).call(data);
        vm.assertTrue(ok, "the call as a whole succeeds");
        bool[] memory accepted = abi.decode(answer, (bool[]));
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertTrue(accepted[0] && !accepted[1] && accepted[2], "only the middle one is refused");
        vm.assertEq(logs.length, 3, "events");
        _assertRefusal(logs[1], dataset, IDISSC.DISSC_MalformedUpdate.selector);
        _assertHead(other, "the middle one");
    }

    /// @dev Lets a new log grow in two steps, and looks which peaks' slots the second writes.
    function _assertWrites(uint256 before, uint256 afterwards, bytes memory ranks) private {
        Model storage log = models[1000 * before + afterwards];
        _open(log, OWNER, bytes32(1000 * before + afterwards), DEVICE);
        _grow(log, before);
        vm.record();
        _grow(log, afterwards);
        (, bytes32[] memory writes) = vm.accesses(address(dissc));
        vm.assertEq(writes.length, 1 + ranks.length, "slots written");
        vm.assertEq(writes[0], keccak256(abi.encode(log.dataset, uint256(0))), "the head's slot");
        for (uint256 i = 0; i < ranks.length; ++i) {
            vm.assertEq(writes[1 + i], _peakSlot(log.dataset, uint8(ranks[i])), "a peak's slot");
        }
    }

    /// @dev Moves the first slot of a dataset's state: device, size, batches. Nothing else can make 2^32 batches.
    function _forgeBatches(bytes32 dataset, uint32 batches) private {
        bytes32 slot = keccak256(abi.encode(dataset, uint256(0)));
        uint256 word = uint256(vm.load(address(dissc), slot));
        word = (word << 32 >> 32) | (uint256(batches) << 224);
        vm.store(address(dissc), slot, bytes32(word));
        for (uint256 rank = 0; rank < 32; ++rank) {
            vm.store(address(dissc), _peakSlot(dataset, rank), keccak256(abi.encode("peak", rank)));
        }
        (uint64 size, uint32 seen,) = dissc.head(dataset);
        vm.assertTrue(size == model.size && seen == batches, "the slots are laid out as this test thinks");
    }

    function _peakSlot(bytes32 dataset, uint256 rank) private pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(dataset, uint256(0)))) + 2 + rank);
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
