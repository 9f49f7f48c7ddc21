// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../interfaces/IOCASC.sol";
import { InclusionPath } from "./InclusionPath.sol";

/// @title From what a record opens to the root of the log
/// @dev The formats are those of specification#formats, as `IOCASC.Answer` repeats them.
library BlockAnswer {
    uint256 private constant CHUNK_BYTES = 1024;
    uint256 private constant MAX_BLOCK_BYTES = 1 << 20;

    /// @notice The root that the answer's record, as that of block `blockIndex`, leads to in a log of `size` blocks.
    function logRoot(uint64 blockIndex, uint64 size, IOCASC.Answer calldata answer) internal view returns (bytes32) {
        bytes32 leafHash =
            sha256(abi.encodePacked(bytes1(0x00), answer.sealedDigest, answer.commitment, answer.contentCommitment));
        return InclusionPath.root(leafHash, blockIndex, size, answer.path);
    }

    /// @notice Checks that the answer's key is the content key that its record commits to.
    function checkKey(IOCASC.Answer calldata answer) internal pure {
        bytes32 committed = sha256(abi.encodePacked(bytes1(0x22), answer.key));
        if (committed != answer.contentCommitment) {
            revert IOCASC.OCASC_WrongKey(committed, answer.contentCommitment);
        }
    }

    /// @notice Checks that the answer shows the chunk that `seed` names, of the block that its record seals. Whatever has a
    /// wrong form is refused.
    /// @return index The chunk's number
    function checkChunk(bytes32 dataset, uint64 blockIndex, uint32 seed, IOCASC.Answer calldata answer)
        internal
        view
        returns (uint256 index)
    {
        // Check: the size is possible, the chunk is one that such a block has
        uint256 size = answer.size;
        if (size == 0 || size > MAX_BLOCK_BYTES) revert IOCASC.OCASC_BadSize(answer.size, MAX_BLOCK_BYTES);
        uint256 chunks = (size + CHUNK_BYTES - 1) / CHUNK_BYTES;
        index = seed % chunks;
        uint256 rest = size - index * CHUNK_BYTES;
        uint256 expected = rest < CHUNK_BYTES ? rest : CHUNK_BYTES;
        if (answer.chunk.length != expected) {
            revert IOCASC.OCASC_BadChunkLength(index, answer.chunk.length, expected);
        }

        // Check: the key is the one that the record commits to
        bytes32 committed = sha256(abi.encodePacked(bytes1(0x14), answer.key));
        if (committed != answer.commitment) revert IOCASC.OCASC_WrongKey(committed, answer.commitment);

        // Check: from the chunk to the digest, and sealed, to the record
        bytes32 leafHash = sha256(abi.encodePacked(bytes1(0x00), answer.chunk));
        bytes32 chunkRoot = InclusionPath.root(leafHash, index, chunks, answer.chunkPath);
        bytes32 digest = sha256(
            abi.encodePacked(
                bytes1(0x02), dataset, blockIndex, answer.size, answer.blockHash, chunkRoot, answer.metaHash
            )
        );
        bytes32 sealedDigest = digest ^ sha256(abi.encodePacked(bytes1(0x13), answer.key));
        if (sealedDigest != answer.sealedDigest) {
            revert IOCASC.OCASC_WrongOpening(sealedDigest, answer.sealedDigest);
        }
    }
}
