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
        for (uint256 part = 0; part < 2; ++part) {
            (uint256 index, uint256 leaves) = part == 0 ? (1, 5) : (7, 27);
            for (uint256 i = 0; i < 3; ++i) {
                IOCASC.Answer memory answer = _honest(id, 7, 1);
                bytes32[] memory path = part == 0 ? answer.chunkPath : answer.path;
                bytes32[] memory wrong = _resize(path, i == 0 ? path.length - 1 : i == 1 ? path.length + 1 : 0);
                if (part == 0) answer.chunkPath = wrong;
                else answer.path = wrong;
                _refused(
                    answer, abi.encodeWithSelector(IOCASC.OCASC_BadPathLength.selector, index, leaves, wrong.length)
                );
            }
        }
    }

    function test_Respond_Reverts_WithAnotherKey() public {
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        bytes32[3] memory keys = [answer.key ^ bytes32(uint256(1)), shelves[0].blocks[4].blockKey, bytes32(0)];
        for (uint256 i = 0; i < keys.length; ++i) {
            answer.key = keys[i];
            bytes32 committed = sha256(bytes.concat(hex"14", keys[i]));
            _refused(answer, abi.encodeWithSelector(IOCASC.OCASC_WrongKey.selector, committed, answer.commitment));
        }
        // The content key is another thing
        answer.key = shelves[0].blocks[3].contentKey;
        vm.expectPartialRevert(IOCASC.OCASC_WrongKey.selector);
        ocasc.respond(id, answer);
    }

    function test_Respond_Reverts_WhenAPartOfTheOpeningWasChanged() public {
        for (uint256 part = 0; part < 8; ++part) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            if (part == 0) answer.chunk[0] ^= 0x80;
            if (part == 1) answer.chunk[1023] ^= 0x01;
            if (part == 2) answer.chunkPath[0] ^= bytes32(uint256(1));
            if (part == 3) answer.size -= 1;
            if (part == 4) answer.blockHash ^= bytes32(uint256(1));
            if (part == 5) answer.metaHash ^= bytes32(uint256(1));
            if (part == 6) answer.sealedDigest ^= bytes32(uint256(1));
            if (part == 7) {
                // A block of two chunks: the first two of five
                answer.size = 2048;
                answer.chunkPath = _resize(answer.chunkPath, 1);
            }
            vm.expectPartialRevert(IOCASC.OCASC_WrongOpening.selector);
            ocasc.respond(id, answer);
        }
    }

    function test_Respond_Reverts_WithAnotherRecord() public {
        for (uint256 part = 0; part < 4; ++part) {
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            if (part < 2) answer.path[part * 2] ^= bytes32(uint256(1));
            if (part == 2) answer.contentCommitment ^= bytes32(uint256(1));
            if (part == 3) {
                // A record that seals and commits to what the liar likes
                answer.chunk[5] ^= 0x01;
                answer.key = "of the liar's choice";
                answer.commitment = sha256(bytes.concat(hex"14", answer.key));
                answer.sealedDigest = _reseal(answer);
            }
            vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
            ocasc.respond(id, answer);
        }
    }

    /// @dev What the contract will find sealed.
    function _reseal(IOCASC.Answer memory answer) private returns (bytes32 sealedDigest) {
        vm.expectPartialRevert(IOCASC.OCASC_WrongOpening.selector);
        ocasc.respond(id, answer);
        try ocasc.respond(id, answer) { }
        catch (bytes memory reason) {
            assembly ("memory-safe") {
                sealedDigest := mload(add(reason, 36))
            }
        }
    }

    function test_Respond_Reverts_WithWhatBelongsToAnother() public {
        // Another chunk of the block
        IOCASC.Answer memory answer = _honest(id, 7, 0);
        vm.expectPartialRevert(IOCASC.OCASC_WrongOpening.selector);
        ocasc.respond(id, answer);
        // Another block, whole: its digest is another block's
        answer = _honest(id, 10, 1);
        vm.expectPartialRevert(IOCASC.OCASC_WrongOpening.selector);
        ocasc.respond(id, answer);
        // The same bytes and keys, of another dataset
        _open(other, OWNER_ACCOUNT_KEY, "another", DEVICE_KEY);
        _grow(other, 4);
        _shelve(other, shelf, shelves[0].blocks);
        _grow(other, SIZE);
        answer = _answer(other, shelf, 7, 1, SIZE);
        vm.expectPartialRevert(IOCASC.OCASC_WrongOpening.selector);
        ocasc.respond(id, answer);
        // Another block of the same bytes and keys in the same dataset
        Shelf storage again = shelves[1];
        delete again.blocks;
        _shelve(model, again, shelves[0].blocks);
        answer = _answer(model, again, again.first + 3, 1, model.leaves.length);
        answer.path = _honest(id, 7, 1).path;
        vm.expectPartialRevert(IOCASC.OCASC_WrongOpening.selector);
        ocasc.respond(id, answer);
    }

    // ----------------------------------------------------------------------------------------------------------- a key

    function test_Key_Reverts_WhenItIsNotTheCommittedOne() public {
        bytes32 demanded = _disputeKey();
        Stored memory stored = shelves[0].blocks[3];
        bytes32[4] memory keys =
            [stored.contentKey ^ bytes32(uint256(1)), stored.blockKey, shelves[0].blocks[4].contentKey, bytes32(0)];
        for (uint256 i = 0; i < keys.length; ++i) {
            IOCASC.Answer memory answer = _honestKey(demanded, 7);
            answer.key = keys[i];
            bytes32 committed = sha256(bytes.concat(hex"22", keys[i]));
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongKey.selector, committed, answer.contentCommitment));
            ocasc.respond(demanded, answer);
        }
    }

    function test_Key_Reverts_WhenTheRecordIsNotTheBlocks() public {
        bytes32 demanded = _disputeKey();
        for (uint256 part = 0; part < 5; ++part) {
            IOCASC.Answer memory answer = _honestKey(demanded, 7);
            if (part == 0) answer.path[1] ^= bytes32(uint256(1));
            if (part == 1) answer.sealedDigest ^= bytes32(uint256(1));
            if (part == 2) answer.commitment ^= bytes32(uint256(1));
            if (part == 3) {
                answer.key = "of the liar's choice";
                answer.contentCommitment = sha256(bytes.concat(hex"22", answer.key));
            }
            // Another block's record and key
            if (part == 4) answer = _honestKey(demanded, 6);
            vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
            ocasc.respond(demanded, answer);
        }
        IOCASC.Answer memory short = _honestKey(demanded, 7);
        short.path = _resize(short.path, 4);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_BadPathLength.selector, 7, SIZE, 4));
        ocasc.respond(demanded, short);
    }

    function test_Key_IsNotShownByAChunk_NorAChunkByAKey() public {
        bytes32 demanded = _disputeKey();
        IOCASC.Answer memory chunk = _honest(demanded, 7, 1);
        vm.expectPartialRevert(IOCASC.OCASC_WrongKey.selector);
        ocasc.respond(demanded, chunk);
        IOCASC.Answer memory key = _honestKey(id, 7);
        vm.expectPartialRevert(IOCASC.OCASC_BadSize.selector);
        ocasc.respond(id, key);
    }

    function test_Key_TakesEveryPaidBlock() public {
        IOCASC.Terms memory terms = _terms();
        terms.maxDemands = 1000;
        bytes32 all = _offer(terms);
        _accept(all);
        _claim(all, PRICE);
        for (uint64 blockIndex = 4; blockIndex < 16; ++blockIndex) {
            // These two have no bytes in this test
            if (blockIndex == 12 || blockIndex == 13) continue;
            _demand(all, blockIndex);
            ocasc.respond(all, _honestKey(all, blockIndex));
        }
        vm.assertEq(ocasc.agreement(all).demands, 10, "demands");
    }

    // --------------------------------------------------------------------------------------------------------- a chunk

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

    /// @param shape Blocks before the shelf and after it, its blocks, the number of the block in it, the block's size
    function testFuzz_Respond_TakesAnyShape(uint256[5] memory shape, uint32 seed) public {
        uint256 before = shape[0] % 40;
        uint256 count = 1 + shape[2] % 12;
        uint64 blockIndex = uint64(before + shape[3] % count);
        _open(other, OWNER_ACCOUNT_KEY, "another", DEVICE_KEY);
        _grow(other, before);
        uint256[] memory sizes = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            sizes[i] = before + i == blockIndex ? 1 + shape[4] % 9000 : 1 + i;
        }
        _shelve(other, shelf, _blocks(sizes));
        _grow(other, before + count + shape[1] % 40);
        uint256 size = other.leaves.length;

        IOCASC.Terms memory terms = _terms();
        (terms.dataset, terms.first, terms.count) = (other.dataset, uint64(before), uint32(count));
        id = _offerOf(other, terms);
        _accept(id);
        // What is recorded later changes nothing
        _grow(other, size + shape[1] % 7);
        _challenge(id, blockIndex, seed);
        ocasc.respond(id, _answer(other, shelf, blockIndex, seed, size));
        _claim(id, PRICE);
        _demand(id, blockIndex);
        ocasc.respond(id, _keyAnswer(other, shelf, blockIndex, size));
        _assertState(id, IOCASC.State.Active);
    }

    function test_Respond_TakesTheLargestBlock() public {
        _open(other, OWNER_ACCOUNT_KEY, "another", DEVICE_KEY);
        _grow(other, 3);
        uint256[] memory sizes = new uint256[](1);
        sizes[0] = 1 << 20;
        _shelve(other, shelf, _blocks(sizes));
        _grow(other, 1024);
        IOCASC.Terms memory terms = _terms();
        (terms.dataset, terms.first, terms.count) = (other.dataset, 3, 1);
        id = _offerOf(other, terms);
        _accept(id);
        _challenge(id, 3, 1023);
        IOCASC.Answer memory answer = _answer(other, shelf, 3, 1023, 1024);
        vm.assertEq(answer.chunkPath.length + answer.path.length, 20, "two full paths");
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
