// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../interfaces/IOCASC.sol";
import { InclusionPath } from "./InclusionPath.sol";

/// @title From a chunk to the root of the log
/// @dev The formats are those of design §4, as `IOCASC.Answer` repeats them.
library ChunkAnswer {
    uint256 private constant CHUNK_BYTES = 1024;
    uint256 private constant MAX_BLOCK_BYTES = 1 << 20;
    uint256 private constant MAX_BATCH_BLOCKS = 1024;

    /// @notice The chunk that a challenge asks for in a block of this size.
    function chunkIndex(uint32 seed, uint32 size) internal pure returns (uint256) {
        return seed % _chunks(size);
    }

    /// @notice The root of the log that an answer leads to, for this block of this dataset, the chunk that `seed` names, and
    /// a log of `batches` batches. Whatever has a wrong form is refused.
    function logRoot(bytes32 dataset, uint64 blockIndex, uint32 seed, uint32 batches, IOCASC.Answer calldata answer)
        internal
        view
        returns (bytes32)
    {
        // Check: the sizes are possible, and the batch is one that holds the block
        if (answer.size == 0 || answer.size > MAX_BLOCK_BYTES) {
            revert IOCASC.OCASC_BadSize(answer.size, MAX_BLOCK_BYTES);
        }
        if (answer.count == 0 || answer.count > MAX_BATCH_BLOCKS) {
            revert IOCASC.OCASC_BadCount(answer.count, MAX_BATCH_BLOCKS);
        }
        if (blockIndex < answer.first || blockIndex - answer.first >= answer.count) {
            revert IOCASC.OCASC_BlockNotInBatch(blockIndex, answer.first, answer.count);
        }
        if (answer.batch >= batches) revert IOCASC.OCASC_BadBatch(answer.batch, batches);

        // From the chunk to the digest, the record, the batch and the log
        bytes32 digest = _digest(dataset, blockIndex, _chunkRoot(seed, answer), answer);
        return
            InclusionPath.root(_batchLeaf(dataset, blockIndex, digest, answer), answer.batch, batches, answer.logPath);
    }

    function _chunkRoot(uint32 seed, IOCASC.Answer calldata answer) private view returns (bytes32) {
        uint256 index = chunkIndex(seed, answer.size);
        uint256 rest = answer.size - index * CHUNK_BYTES;
        uint256 expected = rest < CHUNK_BYTES ? rest : CHUNK_BYTES;
        if (answer.chunk.length != expected) {
            revert IOCASC.OCASC_BadChunkLength(index, answer.chunk.length, expected);
        }
        bytes32 leafHash = sha256(abi.encodePacked(bytes1(0x00), answer.chunk));
        return InclusionPath.root(leafHash, index, _chunks(answer.size), answer.chunkPath);
    }

    function _digest(bytes32 dataset, uint64 blockIndex, bytes32 chunkRoot, IOCASC.Answer calldata answer)
        private
        pure
        returns (bytes32)
    {
        return sha256(
            abi.encodePacked(
                bytes1(0x02), dataset, blockIndex, answer.size, answer.blockHash, chunkRoot, answer.metaHash
            )
        );
    }

    /// @dev The hash of the leaf of the batch in which the block has this digest.
    function _batchLeaf(bytes32 dataset, uint64 blockIndex, bytes32 digest, IOCASC.Answer calldata answer)
        private
        view
        returns (bytes32)
    {
        bytes32 sealedDigest = digest ^ sha256(abi.encodePacked(bytes1(0x13), answer.blockKey));
        bytes32 commitment = sha256(abi.encodePacked(bytes1(0x14), answer.blockKey));
        bytes32 recordHash = sha256(abi.encodePacked(bytes1(0x00), sealedDigest, commitment));
        bytes32 tree = InclusionPath.root(recordHash, blockIndex - answer.first, answer.count, answer.recordPath);
        bytes32 batchRoot = sha256(abi.encodePacked(bytes1(0x03), answer.contentCommitment, tree));
        return sha256(
            abi.encodePacked(
                bytes1(0x00), dataset, answer.first, answer.count, answer.salt, batchRoot, answer.sealedHash
            )
        );
    }

    function _chunks(uint32 size) private pure returns (uint256) {
        return (uint256(size) + CHUNK_BYTES - 1) / CHUNK_BYTES;
    }
}
