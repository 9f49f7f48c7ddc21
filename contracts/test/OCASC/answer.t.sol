// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { vm } from "../Cheats.sol";
import { OcascTest } from "./OcascTest.sol";

/// @title answer.tree, leaf by leaf
contract AnswerTest is OcascTest {
    bytes32 private id;
    Model private other;
    Shelf private shelf;

    /// @dev A challenge of chunk 1 of block 7, which has 5,000 bytes: five chunks, the last of 904.
    function setUp() public override {
        super.setUp();
        id = _dispute();
    }

    function test_Respond_Reverts_WithAnImpossibleSize() public {
        uint32[3] memory sizes = [uint32(0), (1 << 20) + 1, type(uint32).max];
        for (uint256 i = 0; i < sizes.length; ++i) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            answer.size = sizes[i];
            _refused(answer, abi.encodeWithSelector(IOCASC.OCASC_BadSize.selector, sizes[i], 1 << 20));
        }
    }

    function test_Respond_Reverts_WithAnImpossibleCount() public {
        uint32[3] memory counts = [uint32(0), 1025, type(uint32).max];
        for (uint256 i = 0; i < counts.length; ++i) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            answer.count = counts[i];
            _refused(answer, abi.encodeWithSelector(IOCASC.OCASC_BadCount.selector, counts[i], 1024));
        }
    }

    function test_Respond_Reverts_ForABatchWithoutTheBlock() public {
        uint64[4] memory firsts = [uint64(8), 2, type(uint64).max, 0];
        for (uint256 i = 0; i < firsts.length; ++i) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            answer.first = firsts[i];
            _refused(
                answer, abi.encodeWithSelector(IOCASC.OCASC_BlockNotInBatch.selector, uint64(7), firsts[i], uint32(5))
            );
        }
    }

    function test_Respond_Reverts_ForABatchThatTheLogDidNotHave() public {
        uint32[2] memory batches = [uint32(7), type(uint32).max];
        for (uint256 i = 0; i < batches.length; ++i) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            answer.batch = batches[i];
            _refused(answer, abi.encodeWithSelector(IOCASC.OCASC_BadBatch.selector, batches[i], uint32(7)));
        }
    }

    function test_Respond_Reverts_WithAChunkOfAnotherLength() public {
        uint256[3] memory lengths = [uint256(1023), 1025, 0];
        for (uint256 i = 0; i < lengths.length; ++i) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            answer.chunk = new bytes(lengths[i]);
            _refused(answer, abi.encodeWithSelector(IOCASC.OCASC_BadChunkLength.selector, 1, lengths[i], 1024));
        }
        ocasc.respond(id, _honest(id, 7, 1));
        _challenge(id, 7, 4);
        uint256[4] memory last = [uint256(903), 905, 1024, 0];
        for (uint256 i = 0; i < last.length; ++i) {
            IOCASC.Answer memory answer = _honest(id, 7, 4);
            answer.chunk = new bytes(last[i]);
            _refused(answer, abi.encodeWithSelector(IOCASC.OCASC_BadChunkLength.selector, 4, last[i], 904));
        }
    }

    function test_Respond_Reverts_WithAPathOfAnotherLength() public {
        for (uint256 part = 0; part < 3; ++part) {
            (uint256 index, uint256 leaves) = part == 0 ? (1, 5) : part == 1 ? (0, 5) : (2, 7);
            for (uint256 i = 0; i < 3; ++i) {
                IOCASC.Answer memory answer = _honest(id, 7, 1);
                bytes32[] memory path = part == 0 ? answer.chunkPath : part == 1 ? answer.recordPath : answer.logPath;
                bytes32[] memory wrong = _resize(path, i == 0 ? path.length - 1 : i == 1 ? path.length + 1 : 0);
                if (part == 0) answer.chunkPath = wrong;
                else if (part == 1) answer.recordPath = wrong;
                else answer.logPath = wrong;
                _refused(
                    answer, abi.encodeWithSelector(IOCASC.OCASC_BadPathLength.selector, index, leaves, wrong.length)
                );
            }
        }
    }

    function test_Respond_Reverts_WhenABitWasChanged() public {
        for (uint256 part = 0; part < 13; ++part) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            if (part == 0) answer.chunk[0] ^= 0x80;
            if (part == 1) answer.chunk[1023] ^= 0x01;
            if (part == 2) answer.chunkPath[0] ^= bytes32(uint256(1));
            if (part == 3) answer.size -= 1;
            if (part == 4) answer.blockHash ^= bytes32(uint256(1));
            if (part == 5) answer.metaHash ^= bytes32(uint256(1));
            if (part == 6) answer.blockKey ^= bytes32(uint256(1));
            if (part == 7) answer.recordPath[2] ^= bytes32(uint256(1));
            if (part == 8) answer.salt ^= bytes32(uint256(1));
            if (part == 9) answer.contentCommitment ^= bytes32(uint256(1));
            if (part == 10) answer.sealedHash ^= bytes32(uint256(1));
            if (part == 11) answer.logPath[1] ^= bytes32(uint256(1));
            if (part == 12) answer.batch = 3;
            vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
            ocasc.respond(id, answer);
        }
    }

    function test_Respond_Reverts_WithWhatBelongsToAnother() public {
        // Another chunk of the block
        IOCASC.Answer memory answer = _honest(id, 7, 0);
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
        // Another block of the batch
        answer = _honest(id, 10, 1);
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
        // Another batch's key
        answer = _honest(id, 7, 1);
        answer.blockKey = shelves[0].blocks[0].blockKey;
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
        // A key that opens the same sealed digest to other bytes: the commitment holds it fast
        answer = _honest(id, 7, 1);
        answer.chunk[0] ^= 0x01;
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
        // The same bytes, keys and batches, of another dataset
        _open(other, OWNER, "another", DEVICE_KEY);
        _record(other, _one(_rooted(7)));
        _shelve(other, shelf, shelves[1].blocks, true);
        answer = _answer(other, shelf, 7, 1, 2);
        answer.batch = 2;
        answer.logPath = _honest(id, 7, 1).logPath;
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
    }

    function test_Respond_Reverts_WhenSizeAndPathFitOnlyEachOther() public {
        // A block of two chunks: the first two of five
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        answer.size = 2048;
        answer.chunkPath = _resize(answer.chunkPath, 1);
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
        // A batch of four blocks: the first four of five
        answer = _honest(id, 7, 1);
        answer.count = 4;
        answer.recordPath = _resize(answer.recordPath, 2);
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
    }

    function test_Respond_TakesEveryChunkForSale() public {
        IOCASC.Terms memory terms = _terms();
        terms.maxChallenges = 1000;
        id = _offer(terms);
        _accept(id);
        for (uint64 blockIndex = 4; blockIndex < 16; ++blockIndex) {
            // These two have no bytes in this test
            if (blockIndex == 12 || blockIndex == 13) continue;
            for (uint32 seed = 0; seed < 7; ++seed) {
                _challenge(id, blockIndex, seed);
                ocasc.respond(id, _honest(id, blockIndex, seed));
            }
        }
        vm.assertEq(ocasc.agreement(id).challenges, 70, "challenges");
        _assertState(id, IOCASC.State.Active);
    }

    function test_Respond_TakesASeedModuloTheChunks() public {
        ocasc.respond(id, _honest(id, 7, 1));
        uint32[2] memory seeds = [type(uint32).max, 5_000_003];
        for (uint256 i = 0; i < seeds.length; ++i) {
            _challenge(id, 7, seeds[i]);
            IOCASC.Answer memory answer = _honest(id, 7, seeds[i] % 5);
            vm.assertEq(sha256(answer.chunk), sha256(_honest(id, 7, seeds[i]).chunk), "chunk");
            ocasc.respond(id, answer);
        }
    }

    /// @param shape Batches before and after the batch, its blocks, the number of the block in it, the block's size
    function testFuzz_Respond_TakesAnyShape(uint256[5] memory shape, uint32 seed) public {
        uint256 before = shape[0] % 20;
        uint256 batches = before + 1 + shape[1] % 20;
        uint256 count = 1 + shape[2] % 12;
        uint64 blockIndex = uint64(before + shape[3] % count);
        _open(other, OWNER, "another", DEVICE_KEY);
        _grow(other, before);
        uint256[] memory sizes = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            sizes[i] = before + i == blockIndex ? 1 + shape[4] % 9000 : 1 + i;
        }
        _shelve(other, shelf, _blocks(sizes), seed % 2 == 0);
        _grow(other, batches);

        IOCASC.Terms memory terms = _terms();
        (terms.dataset, terms.first, terms.count) = (other.dataset, uint64(before), uint32(count));
        id = _offer(terms);
        _accept(id);
        _challenge(id, blockIndex, seed);
        ocasc.respond(id, _answer(other, shelf, blockIndex, seed, batches));
        _assertState(id, IOCASC.State.Active);
    }

    function test_Respond_TakesTheLargestAnswer() public {
        _open(other, OWNER, "another", DEVICE_KEY);
        _grow(other, 3);
        uint256[] memory sizes = new uint256[](1024);
        for (uint256 i = 0; i < 1024; ++i) {
            sizes[i] = i == 1023 ? 1 << 20 : 1;
        }
        _shelve(other, shelf, _blocks(sizes), false);
        _grow(other, 6);
        IOCASC.Terms memory terms = _terms();
        (terms.dataset, terms.first, terms.count) = (other.dataset, 3, 1024);
        id = _offer(terms);
        _accept(id);
        _challenge(id, 1026, 1023);
        IOCASC.Answer memory answer = _answer(other, shelf, 1026, 1023, 6);
        vm.assertEq(answer.chunkPath.length + answer.recordPath.length, 20, "two full paths");
        ocasc.respond(id, answer);
        _assertState(id, IOCASC.State.Active);
    }

    function _refused(IOCASC.Answer memory answer, bytes memory reason) private {
        vm.expectRevert(reason);
        ocasc.respond(id, answer);
    }

    function _resize(bytes32[] memory path, uint256 length) private pure returns (bytes32[] memory resized) {
        resized = new bytes32[](length);
        for (uint256 i = 0; i < length && i < path.length; ++i) {
            resized[i] = path[i];
        }
    }
}
