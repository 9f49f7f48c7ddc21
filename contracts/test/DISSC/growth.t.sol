// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscTest } from "../model/DisscTest.sol";
import { LazyTree } from "../model/LazyTree.sol";
import { NaiveTree } from "../model/NaiveTree.sol";

/// @title growth.tree, leaf by leaf
/// @dev Every growth here is signed by the device, whatever it says: what is refused is refused by the contract's arithmetic.
contract GrowthTest is DisscTest {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant DEVICE = 0xD0;

    Model private model;
    Model private other;
    mapping(uint256 => Model) private models;

    function setUp() public override {
        super.setUp();
        _open(model, OWNER, "one", DEVICE);
        _open(other, OWNER, "other", DEVICE);
    }

    // --------------------------------------------------------------------------------------------------------- refuses

    function test_Refuses_AnotherNumberOfPeaks() public {
        for (uint256 size = 0; size <= 20; ++size) {
            if (size > 0) _grow(model, size);
            IDISSC.Update memory update = _update(model, _draw(5));
            bytes32[] memory right = update.peaks;
            for (uint256 length = 0; length <= right.length + 3; ++length) {
                if (length == right.length) continue;
                update.peaks = _resize(right, length);
                _refused(update, IDISSC.DISSC_WrongNumberOfPeaks.selector);
            }
        }
    }

    function test_Refuses_ChangedPeaks() public {
        _grow(model, 31);
        IDISSC.Update memory update = _update(model, _draw(1));
        for (uint256 i = 0; i < 5; ++i) {
            for (uint256 j = 0; j < 256; j += 17) {
                update.peaks[i] ^= bytes32(1 << j);
                _refused(update, IDISSC.DISSC_WrongPeaks.selector);
                update.peaks[i] ^= bytes32(1 << j);
            }
            for (uint256 j = 0; j < i; ++j) {
                (update.peaks[i], update.peaks[j]) = (update.peaks[j], update.peaks[i]);
                _refused(update, IDISSC.DISSC_WrongPeaks.selector);
                (update.peaks[i], update.peaks[j]) = (update.peaks[j], update.peaks[i]);
            }
        }
        vm.assertTrue(_send(update), "as it was");
    }

    function test_Refuses_ThePeaksOfAnotherSizeOrLog() public {
        _grow(model, 9);
        _grow(other, 9);
        bytes32[] memory fresh = _draw(3);
        IDISSC.Update memory update = _update(model, fresh);
        update.peaks = _update(other, fresh).peaks;
        _refused(update, IDISSC.DISSC_WrongPeaks.selector);
        // Two peaks, as those of 9, but of 10 and of 6
        update.peaks = NaiveTree.peaks(_after(model, fresh), 10);
        _refused(update, IDISSC.DISSC_WrongPeaks.selector);
        update.peaks = NaiveTree.peaks(_after(model, fresh), 6);
        _refused(update, IDISSC.DISSC_WrongPeaks.selector);
        // The children of the root, where the log is one perfect tree
        _grow(model, 16);
        update = _update(model, fresh);
        bytes32[] memory children = new bytes32[](2);
        bytes32[] memory leaves = _after(model, fresh);
        (children[0], children[1]) = (NaiveTree.peaks(leaves, 8)[0], NaiveTree.peaks(_tail(leaves, 8), 8)[0]);
        update.peaks = children;
        _refused(update, IDISSC.DISSC_WrongNumberOfPeaks.selector);
    }

    function test_Refuses_AnotherNumberAppended() public {
        for (uint256 size = 0; size <= 20; ++size) {
            if (size > 0) _grow(model, size);
            for (uint256 more = 1; more <= 20; ++more) {
                IDISSC.Update memory update = _update(model, _draw(more));
                bytes32[] memory appended = update.appended;
                for (uint256 length = 0; length <= appended.length + 2; ++length) {
                    if (length == appended.length) continue;
                    update.appended = _resize(appended, length);
                    _refused(update, IDISSC.DISSC_WrongNumberAppended.selector);
                }
            }
        }
    }

    function test_Refuses_ChangedSubtreesOrRoot() public {
        _grow(model, 5);
        // 1 at 5, 2 at 6, 8 at 8, 4 at 16, 2 at 20, 1 at 22
        IDISSC.Update memory update = _update(model, _draw(18));
        vm.assertEq(update.appended.length, 6, "subtrees");
        for (uint256 i = 0; i < 6; ++i) {
            for (uint256 j = 0; j < 256; j += 17) {
                update.appended[i] ^= bytes32(1 << j);
                _refused(update, IDISSC.DISSC_WrongRoot.selector);
                update.appended[i] ^= bytes32(1 << j);
            }
            for (uint256 j = 0; j < i; ++j) {
                (update.appended[i], update.appended[j]) = (update.appended[j], update.appended[i]);
                _refused(update, IDISSC.DISSC_WrongRoot.selector);
                (update.appended[i], update.appended[j]) = (update.appended[j], update.appended[i]);
            }
        }
        for (uint256 j = 0; j < 256; ++j) {
            update.root ^= bytes32(1 << j);
            _signAgain(update, DEVICE);
            _refused(update, IDISSC.DISSC_WrongRoot.selector);
            update.root ^= bytes32(1 << j);
        }
        _signAgain(update, DEVICE);
        vm.assertTrue(_send(update), "as it was");
    }

    function test_TakesTheDevicesWord_ForTheNumberOfLeaves() public {
        _grow(model, 8);
        // From 8 to 12, 10, 9 and 16 it takes one; the root is that of 12
        IDISSC.Update memory update = _update(model, _draw(4));
        uint64[3] memory sizes = [uint64(9), 10, 16];
        for (uint256 i = 0; i < sizes.length; ++i) {
            update.size = sizes[i];
            _signAgain(update, DEVICE);
            // One subtree more, whatever its size: the root is the same
            uint256 snapshot = vm.snapshotState();
            vm.assertTrue(_send(update), "the root has this size by the device's word");
            vm.assertTrue(vm.revertToState(snapshot), "back");
        }
        // From 5 to 7 it takes two as from 5 to 8, and they bag in another way
        Model storage log = models[0];
        _open(log, OWNER, "five", DEVICE);
        _grow(log, 5);
        update = _update(log, _draw(2));
        vm.assertEq(update.appended.length, 2, "to 7");
        vm.assertEq(_update(log, _draw(3)).appended.length, 2, "to 8");
        update.size = 10;
        _signAgain(update, DEVICE);
        _refused(update, IDISSC.DISSC_WrongNumberAppended.selector);
        update.size = 9;
        _signAgain(update, DEVICE);
        _refused(update, IDISSC.DISSC_WrongNumberAppended.selector);
    }

    function test_Refuses_ANewRootWithoutWhatIsRecorded() public {
        _grow(model, 6);
        bytes32[] memory fresh = _draw(4);
        // One recorded leaf changed, all of them, or the first two exchanged
        for (uint256 kind = 0; kind < 3; ++kind) {
            bytes32[] memory leaves = _after(model, fresh);
            if (kind == 0) leaves[3] ^= bytes32(uint256(1));
            if (kind == 1) leaves = _draw(10);
            if (kind == 2) (leaves[0], leaves[1]) = (leaves[1], leaves[0]);
            IDISSC.Update memory update = _update(model, fresh);
            update.root = NaiveTree.root(leaves);
            _signAgain(update, DEVICE);
            _refused(update, IDISSC.DISSC_WrongRoot.selector);
            update.peaks = NaiveTree.peaks(leaves, 6);
            update.appended = NaiveTree.appended(leaves, 6);
            _refused(update, IDISSC.DISSC_WrongPeaks.selector);
        }
        _assertHead(model, "as it was");
    }

    // --------------------------------------------------------------------------------------------------------- accepts

    function test_Accepts_FromEverySizeToEverySize() public {
        for (uint256 from = 0; from <= 32; ++from) {
            uint256 snapshot = vm.snapshotState();
            _grow(model, from);
            for (uint256 to = from + 1; to <= 33; ++to) {
                uint256 inner = vm.snapshotState();
                _grow(model, to);
                _assertHead(model, "each");
                vm.assertTrue(vm.revertToState(inner), "back");
            }
            vm.assertTrue(vm.revertToState(snapshot), "back");
        }
    }

    function test_Accepts_EveryNumberOfPeaks() public {
        // Sizes with 1 to 48 bits set, the lowest of them: the next block merges all peaks; and the highest of 48
        for (uint256 bits = 0; bits <= 48; ++bits) {
            uint256 low = (1 << bits) - 1;
            _lazyGrowth(low, low + 1);
            if (bits < 48) _lazyGrowth(low, low + (1 << (bits < 28 ? bits : 28)));
            uint256 high = low << (48 - bits);
            if (high + 3 < 1 << 48) _lazyGrowth(high, high + 3);
        }
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_Accepts_IfAndOnlyIfTheNaiveTreeSaysSo(uint16 from, uint16 more, uint256 dice) public {
        uint256 before = from % 700;
        _grow(model, before);
        bytes32[] memory fresh = _draw(1 + more % 326);
        IDISSC.Update memory update = _update(model, fresh);
        IDISSC.Update memory wrong = abi.decode(abi.encode(update), (IDISSC.Update));
        uint256 kind = dice % 6;
        bytes32 bit = bytes32(1 << (uint256(keccak256(abi.encode(dice))) % 256));
        if (kind == 0 && wrong.peaks.length > 0) wrong.peaks[(dice >> 8) % wrong.peaks.length] ^= bit;
        else if (kind == 1) wrong.root ^= bit;
        else if (kind == 2) wrong.appended = _resize(wrong.appended, wrong.appended.length - 1);
        else if (kind == 3) wrong.appended = _resize(wrong.appended, wrong.appended.length + 1);
        else if (kind == 4) wrong.peaks = _resize(wrong.peaks, wrong.peaks.length + 1);
        else wrong.appended[(dice >> 8) % wrong.appended.length] ^= bit;
        _signAgain(wrong, DEVICE);
        vm.assertFalse(_send(wrong), "the naive tree says no");
        vm.assertTrue(_send(update), "the naive tree says yes");
        _note(model, fresh);
        _assertHead(model, "after it");
    }

    function testFuzz_Accepts_AnySizes(uint256 from, uint256 more, uint8 height, uint256 dice) public {
        from = from % (1 << (1 + height % 48));
        uint256 to = from + 1 + more % (1 << (dice % 29));
        if (to > 1 << 48) (from, to) = ((1 << 48) - (to - from), 1 << 48);
        _lazyGrowth(from, to);
    }

    /// @dev A growth of a log of any size, and the same with one bit off here or there.
    function _lazyGrowth(uint256 from, uint256 to) private {
        uint256[] memory special = new uint256[](5);
        special[0] = from;
        special[1] = to - 1;
        special[2] = from == 0 ? 0 : from - 1;
        special[3] = uint256(_draw()) % to;
        LazyTree.Leaves memory leaves = LazyTree.make(_draw(), special);
        bytes32 slot = keccak256(abi.encode(model.dataset, uint256(0)));
        uint256 word = uint256(uint160(vm.addr(DEVICE))) | (from << 160) | (uint256(model.serial) << 224);
        vm.store(address(dissc), slot, bytes32(word));
        vm.store(address(dissc), bytes32(uint256(slot) + 1), LazyTree.root(leaves, 0, from));

        IDISSC.Update memory update;
        (update.dataset, update.size, update.root) = (model.dataset, uint64(to), LazyTree.root(leaves, 0, to));
        (update.peaks, update.appended) = (LazyTree.peaks(leaves, from), LazyTree.appended(leaves, from, to));
        _signAgain(update, DEVICE);
        uint256 dice = uint256(_draw());
        bytes32 bit = bytes32(1 << (dice >> 248));
        if (update.peaks.length > 0) {
            update.peaks[dice % update.peaks.length] ^= bit;
            vm.assertFalse(_send(update), "a peak is off");
            update.peaks[dice % update.peaks.length] ^= bit;
        }
        update.appended[dice % update.appended.length] ^= bit;
        vm.assertFalse(_send(update), "a subtree is off");
        update.appended[dice % update.appended.length] ^= bit;
        vm.assertTrue(_send(update), "the naive tree says yes");
        (uint64 size, bytes32 root) = dissc.head(model.dataset);
        vm.assertTrue(size == to && root == update.root, "head");
    }

    function test_Accepts_ManyInARowThatLeadToWhereOneLeads() public {
        bytes32[] memory leaves = _draw(200);
        _record(other, leaves);
        for (uint256 done = 0; done < 200;) {
            uint256 next = 1 + uint256(_draw()) % 13;
            if (done + next > 200) next = 200 - done;
            bytes32[] memory fresh = new bytes32[](next);
            for (uint256 i = 0; i < next; ++i) {
                fresh[i] = leaves[done + i];
            }
            _record(model, fresh);
            done += next;
        }
        (, bytes32 one) = dissc.head(model.dataset);
        (, bytes32 two) = dissc.head(other.dataset);
        vm.assertEq(one, two, "one root");
    }

    // -------------------------------------------------------------------------------------------------- from the events

    bytes32[] private peaks;
    uint256[] private heights;

    function test_PeaksOfEveryRecordedSize_ComeBackFromTheEvents() public {
        vm.recordLogs();
        for (uint256 i = 0; i < 60; ++i) {
            _grow(model, model.leaves.length + 1 + uint256(_draw()) % (i % 7 == 0 ? 40 : 5));
            _grow(other, other.leaves.length + 1);
        }
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        uint256 size = 0;
        uint256 seen = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[1] != model.dataset) continue;
            (uint64 sizeAfter,, bytes32[] memory appended) = abi.decode(logs[i].data, (uint64, bytes32, bytes32[]));
            for (uint256 j = 0; j < appended.length; ++j) {
                uint256 height = 0;
                while (size % (2 << height) == 0 && size + (2 << height) <= sizeAfter) ++height;
                size += 1 << height;
                _push(appended[j], height);
            }
            vm.assertEq(size, sizeAfter, "as many blocks as it says");
            bytes32[] memory expected = NaiveTree.peaks(model.leaves, size);
            vm.assertEq(keccak256(abi.encode(peaks)), keccak256(abi.encode(expected)), "the peaks of this size");
            ++seen;
        }
        vm.assertEq(seen, 60, "all of them");

        // Whoever has a device's key and nothing else but the events goes on with the log, behind anything
        bytes32[] memory fresh = _draw(1);
        IDISSC.Update memory update = _update(model, fresh);
        update.peaks = peaks;
        vm.assertTrue(_send(update), "accepted");
    }

    /// @dev As one who merges two trees of one height, whenever there are two.
    function _push(bytes32 root, uint256 height) private {
        peaks.push(root);
        heights.push(height);
        while (peaks.length > 1 && heights[heights.length - 1] == heights[heights.length - 2]) {
            bytes32 right = peaks[peaks.length - 1];
            peaks.pop();
            heights.pop();
            peaks[peaks.length - 1] = NaiveTree.node(peaks[peaks.length - 1], right);
            ++heights[heights.length - 1];
        }
    }

    // -------------------------------------------------------------------------------------------------------- the bench

    function _refused(IDISSC.Update memory update, bytes4 reason) private {
        (uint64 size, bytes32 root) = dissc.head(update.dataset);
        vm.recordLogs();
        vm.assertFalse(_send(update), "refused");
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "one event");
        vm.assertEq(logs[0].data, abi.encode(reason), "reason");
        (uint64 sizeNow, bytes32 rootNow) = dissc.head(update.dataset);
        vm.assertTrue(size == sizeNow && root == rootNow, "as it was");
    }

    function _resize(bytes32[] memory list, uint256 length) private pure returns (bytes32[] memory resized) {
        resized = new bytes32[](length);
        for (uint256 i = 0; i < length && i < list.length; ++i) {
            resized[i] = list[i];
        }
    }

    function _tail(bytes32[] memory list, uint256 from) private pure returns (bytes32[] memory tail) {
        tail = new bytes32[](list.length - from);
        for (uint256 i = from; i < list.length; ++i) {
            tail[i - from] = list[i];
        }
    }
}
