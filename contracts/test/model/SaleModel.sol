// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { DisscModel } from "./DisscTest.sol";
import { NaiveTree } from "./NaiveTree.sol";

/// @title What is for sale: datasets whose blocks have bytes, and the answers that an honest owner gives
abstract contract SaleModel is DisscModel {
    /// @dev A block as its owner keeps it.
    struct Stored {
        bytes data;
        bytes32 metaHash;
        bytes32 blockKey;
        bytes32 contentKey;
    }

    /// @dev Blocks that follow on each other, from `first` on.
    struct Shelf {
        uint64 first;
        Stored[] blocks;
    }

    /// @dev Blocks of these sizes.
    function _blocks(uint256[] memory sizes) internal returns (Stored[] memory blocks) {
        blocks = new Stored[](sizes.length);
        for (uint256 i = 0; i < sizes.length; ++i) {
            blocks[i] = Stored(_bytes(sizes[i]), _draw(), _draw(), _draw());
        }
    }

    function _bytes(uint256 size) internal returns (bytes memory data) {
        data = new bytes(size);
        bytes32 seed = _draw();
        for (uint256 i = 0; i + 32 <= size; i += 32) {
            assembly ("memory-safe") {
                mstore(0, seed)
                mstore(0x20, i)
                mstore(add(add(data, 32), i), keccak256(0, 0x40))
            }
        }
        for (uint256 i = size - size % 32; i < size; ++i) {
            data[i] = seed[i % 32];
        }
    }

    /// @dev Records blocks.
    function _shelve(Model storage model, Shelf storage shelf, Stored[] memory blocks) internal {
        shelf.first = uint64(model.leaves.length);
        bytes32[] memory leaves = new bytes32[](blocks.length);
        for (uint256 i = 0; i < blocks.length; ++i) {
            shelf.blocks.push(blocks[i]);
            leaves[i] = NaiveTree.leafHash(_recordOf(model, uint64(shelf.first + i), blocks[i]));
        }
        _record(model, leaves);
    }

    /// @dev specification#record: sealed ‖ commitment ‖ contentCommitment.
    function _recordOf(Model storage model, uint64 index, Stored memory stored) internal view returns (bytes memory) {
        bytes32 chunkRoot = NaiveTree.root(_hashes(_chunks(stored.data)));
        bytes32 digest = sha256(
            abi.encodePacked(
                hex"02",
                model.dataset,
                index,
                uint32(stored.data.length),
                sha256(stored.data),
                chunkRoot,
                stored.metaHash
            )
        );
        bytes32 contentCommitment = model.kind == 0 ? sha256(bytes.concat(hex"22", stored.contentKey)) : bytes32(0);
        return bytes.concat(
            digest ^ sha256(bytes.concat(hex"13", stored.blockKey)),
            sha256(bytes.concat(hex"14", stored.blockKey)),
            contentCommitment
        );
    }

    function _chunks(bytes memory data) internal pure returns (bytes[] memory chunks) {
        chunks = new bytes[]((data.length + 1023) / 1024);
        for (uint256 i = 0; i < chunks.length; ++i) {
            uint256 length = data.length - i * 1024;
            if (length > 1024) length = 1024;
            bytes memory chunk = new bytes(length);
            assembly ("memory-safe") {
                mcopy(add(chunk, 32), add(add(data, 32), mul(i, 1024)), length)
            }
            chunks[i] = chunk;
        }
    }

    function _hashes(bytes[] memory leaves) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            hashes[i] = NaiveTree.leafHash(leaves[i]);
        }
    }

    /// @dev The record of a block with its path, for the log as it was with `size` blocks.
    function _recordAnswer(Model storage model, Shelf storage shelf, uint64 index, uint256 size)
        internal
        view
        returns (IOCASC.Answer memory answer)
    {
        bytes memory record = _recordOf(model, index, shelf.blocks[index - shelf.first]);
        (answer.sealedDigest, answer.commitment, answer.contentCommitment) = _three(record);
        bytes32[] memory leaves = model.leaves;
        require(size <= leaves.length, "a log of another time");
        assembly ("memory-safe") {
            mstore(leaves, size)
        }
        answer.path = NaiveTree.path(leaves, index);
    }

    /// @dev What an honest owner answers to a challenge.
    function _answer(Model storage model, Shelf storage shelf, uint64 index, uint32 seed, uint256 size)
        internal
        view
        returns (IOCASC.Answer memory answer)
    {
        answer = _recordAnswer(model, shelf, index, size);
        Stored memory stored = shelf.blocks[index - shelf.first];
        bytes[] memory chunks = _chunks(stored.data);
        answer.key = stored.blockKey;
        answer.size = uint32(stored.data.length);
        answer.blockHash = sha256(stored.data);
        answer.metaHash = stored.metaHash;
        answer.chunk = chunks[seed % chunks.length];
        answer.chunkPath = NaiveTree.path(_hashes(chunks), seed % chunks.length);
    }

    /// @dev What an honest owner answers to a demand.
    function _keyAnswer(Model storage model, Shelf storage shelf, uint64 index, uint256 size)
        internal
        view
        returns (IOCASC.Answer memory answer)
    {
        answer = _recordAnswer(model, shelf, index, size);
        answer.key = shelf.blocks[index - shelf.first].contentKey;
    }

    function _three(bytes memory record) private pure returns (bytes32 one, bytes32 two, bytes32 three) {
        return abi.decode(record, (bytes32, bytes32, bytes32));
    }
}
