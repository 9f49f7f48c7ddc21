// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The right edge of an RFC 9162 Merkle tree (§2.1.1)
/// @dev The tree of n leaves is a row of perfect trees, one for each bit set in n, the largest first; their roots, the
/// *peaks*, are all that is needed to append leaves and to compute the root. They are kept as a stack, the smallest on top,
/// in the first slots of an array of 32 (n < 2^32, so there are at most 32 bits set).
///
/// Appending happens in memory, in a `Workspace`, because whether it counts is known only once the root is. One workspace
/// serves a whole call, and nothing here allocates more. `top` is the memory position behind the last peak.
///
/// To touch a storage slot for the first time costs 22,100 gas, again 5,000. Here the slots that a log of n leaves can ever
/// have needed, the largest number of bits set in any number up to n, are always touched, `PAID_AT_OPENING` of them at the
/// start. Whoever appends one by one pays nothing for that; whoever appends many at once pays now instead of at the next
/// append, whose price thereby depends on n alone.
///
/// The SHA-256 precompile (0x02) fails only for want of gas. It is given 63/64 of what there is and needs less than 200, so
/// that after a failure 3 gas at most are left, and the call as a whole fails too: its success needs no check.
library Frontier {
    /// @dev Memory, by offset: 65 bytes `01 ‖ left ‖ right` from 0x1f on, so that left and right are words; then the peaks.
    type Workspace is uint256;

    uint256 private constant PREFIX = 0x1f;
    uint256 private constant LEFT = 0x20;
    uint256 private constant RIGHT = 0x40;
    uint256 private constant PEAKS = 0x60;
    uint256 private constant WORKSPACE_BYTES = 0x460; // PEAKS and 32 words

    uint256 internal constant MAX_LEAVES = type(uint32).max;

    /// @dev Slots for the peaks of any log of up to 15 leaves, and of an update of 60.
    uint256 internal constant PAID_AT_OPENING = 4;

    /// @dev Any value other than zero does: a slot above the peaks is never read.
    bytes32 private constant TOUCHED = bytes32(uint256(1));

    /// @notice A workspace in fresh memory.
    function allocate() internal pure returns (Workspace workspace) {
        assembly ("memory-safe") {
            workspace := mload(0x40)
            mstore(0x40, add(workspace, WORKSPACE_BYTES))
            mstore8(add(workspace, PREFIX), 1)
        }
    }

    /// @notice Touches the slots of an empty log.
    function open(bytes32[32] storage slots) internal {
        for (uint256 rank = 0; rank < PAID_AT_OPENING; ++rank) {
            slots[rank] = TOUCHED;
        }
    }

    /// @notice Loads the peaks of a log of `leaves` leaves.
    function load(Workspace workspace, bytes32[32] storage slots, uint256 leaves) internal view returns (uint256 top) {
        assembly ("memory-safe") {
            top := add(workspace, PEAKS)
            for { let slot := slots.slot } leaves { slot := add(slot, 1) } {
                mstore(top, sload(slot))
                top := add(top, 0x20)
                leaves := and(leaves, sub(leaves, 1))
            }
        }
    }

    /// @notice Appends a leaf to a log of `leaves` leaves. It ends up in the peak below the new top; those further down are
    /// as they were.
    function append(Workspace workspace, uint256 top, uint256 leaves, bytes32 leafHash)
        internal
        view
        returns (uint256)
    {
        assembly ("memory-safe") {
            let right := add(workspace, RIGHT)
            mstore(right, leafHash)
            // As adding 1 carries through the lowest bits set in `leaves`, so the new leaf merges with their peaks.
            for { } and(leaves, 1) { leaves := shr(1, leaves) } {
                top := sub(top, 0x20)
                mstore(add(workspace, LEFT), mload(top))
                pop(staticcall(gas(), 2, add(workspace, PREFIX), 65, right, 0x20))
            }
            mstore(top, mload(right))
            top := add(top, 0x20)
        }
        return top;
    }

    /// @notice The root over the peaks: each, from the smallest to the largest, becomes the left sibling of what is bagged so
    /// far. Zero when there are none.
    function root(Workspace workspace, uint256 top) internal view returns (bytes32 bagged) {
        assembly ("memory-safe") {
            let bottom := add(workspace, PEAKS)
            if gt(top, bottom) {
                let right := add(workspace, RIGHT)
                top := sub(top, 0x20)
                mstore(right, mload(top))
                for { } gt(top, bottom) { } {
                    top := sub(top, 0x20)
                    mstore(add(workspace, LEFT), mload(top))
                    pop(staticcall(gas(), 2, add(workspace, PREFIX), 65, right, 0x20))
                }
                bagged := mload(right)
            }
        }
    }

    /// @notice Stores the peaks from memory position `changed` on, after a log of `before` leaves has grown to `leaves`.
    function store(
        Workspace workspace,
        bytes32[32] storage slots,
        uint256 changed,
        uint256 top,
        uint256 before,
        uint256 leaves
    ) internal {
        uint256 height;
        assembly ("memory-safe") {
            let bottom := add(workspace, PEAKS)
            for { } lt(changed, top) { changed := add(changed, 0x20) } {
                sstore(add(slots.slot, shr(5, sub(changed, bottom))), mload(changed))
            }
            height := shr(5, sub(top, bottom))
        }
        unchecked {
            // x + 1 gets a binary digit more only where x has one bit set more than any smaller number.
            if ((before + 1) ^ (leaves + 1) > before + 1) _touch(slots, height, before, leaves);
        }
    }

    /// @dev Touches the slots that have become necessary and that the peaks have not just filled.
    function _touch(bytes32[32] storage slots, uint256 height, uint256 before, uint256 leaves) private {
        uint256 rank = _slots(before);
        if (rank < height) rank = height;
        for (uint256 end = _slots(leaves); rank < end; ++rank) {
            slots[rank] = TOUCHED;
        }
    }

    /// @dev The most peaks that a log of up to `leaves` leaves has had, floor(log2(leaves + 1)), or what was paid at opening.
    function _slots(uint256 leaves) private pure returns (uint256 most) {
        for (uint256 rest = leaves + 1; rest > 1; rest >>= 1) {
            ++most;
        }
        if (most < PAID_AT_OPENING) most = PAID_AT_OPENING;
    }
}
