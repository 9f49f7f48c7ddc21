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
    }

    /// @dev A recorded batch with all its blocks.
    struct Shelf {
        uint64 first;
        uint32 batch;
        bytes32 salt;
        bytes32 contentCommitment;
        bytes32 sealedHash;
        Stored[] blocks;
        bytes[] records;
    }

    /// @dev Blocks of these sizes.
    function _blocks(uint256[] memory sizes) internal returns (Stored[] memory blocks) {
        blocks = new Stored[](sizes.length);
        for (uint256 i = 0; i < sizes.length; ++i) {
            blocks[i] = Stored(_bytes(sizes[i]), _draw(), _draw());
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

    /// @dev Records a batch of blocks.
    function _shelve(Model storage model, Shelf storage shelf, Stored[] memory blocks, bool published) internal {
        shelf.first = model.size;
        shelf.batch = uint32(model.leaves.length);
        shelf.salt = _draw();
        shelf.contentCommitment = _draw();
        bytes memory sealedDigests = "";
        for (uint256 i = 0; i < blocks.length; ++i) {
            shelf.blocks.push(blocks[i]);
            (bytes32 sealedDigest, bytes32 commitment) = _seal(model.dataset, uint64(model.size + i), blocks[i]);
            shelf.records.push(abi.encodePacked(sealedDigest, commitment));
            sealedDigests = abi.encodePacked(sealedDigests, sealedDigest);
        }
        bytes32 batchRoot = sha256(abi.encodePacked(hex"03", shelf.contentCommitment, NaiveTree.root(shelf.records)));
        if (published) shelf.sealedHash = keccak256(sealedDigests);
        Batch memory batch = Batch(
            published ? 1 : 0, uint32(blocks.length), shelf.salt, batchRoot, published ? sealedDigests : bytes("")
        );
        _record(model, _one(batch));
    }

    /// @dev Design §4, digest to commitment.
    function _seal(bytes32 dataset, uint64 index, Stored memory stored)
        internal
        pure
        returns (bytes32 sealedDigest, bytes32 commitment)
    {
        bytes32 chunkRoot = NaiveTree.root(_chunks(stored.data));
        bytes32 digest = sha256(
            abi.encodePacked(
                hex"02", dataset, index, uint32(stored.data.length), sha256(stored.data), chunkRoot, stored.metaHash
            )
        );
        sealedDigest = digest ^ sha256(abi.encodePacked(hex"13", stored.blockKey));
        commitment = sha256(abi.encodePacked(hex"14", stored.blockKey));
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

    /// @dev What an honest owner answers, for the log as it was with `batches` batches.
    function _answer(Model storage model, Shelf storage shelf, uint64 blockIndex, uint32 seed, uint256 batches)
        internal
        view
        returns (IOCASC.Answer memory answer)
    {
        uint256 inBatch = blockIndex - shelf.first;
        Stored memory stored = shelf.blocks[inBatch];
        bytes[] memory chunks = _chunks(stored.data);
        bytes[] memory leaves = new bytes[](batches);
        for (uint256 i = 0; i < batches; ++i) {
            leaves[i] = model.leaves[i];
        }
        answer.chunk = chunks[seed % chunks.length];
        answer.chunkPath = NaiveTree.path(chunks, seed % chunks.length);
        answer.size = uint32(stored.data.length);
        answer.blockHash = sha256(stored.data);
        answer.metaHash = stored.metaHash;
        answer.blockKey = stored.blockKey;
        answer.recordPath = NaiveTree.path(shelf.records, inBatch);
        answer.first = shelf.first;
        answer.count = uint32(shelf.blocks.length);
        answer.salt = shelf.salt;
        answer.contentCommitment = shelf.contentCommitment;
        answer.sealedHash = shelf.sealedHash;
        answer.batch = shelf.batch;
        answer.logPath = NaiveTree.path(leaves, shelf.batch);
    }
}
