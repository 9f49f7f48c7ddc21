// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Data Integrity Service smart contract (DISSC)
/// @notice Holds, for every dataset, the head of its append-only log of sealed digests. A dataset is one device's log; its
/// head moves only to a state that the dataset's device has signed. Nobody administers, upgrades or pauses this contract.
/// @dev `H` is SHA-256; integers are big-endian. The log is the Merkle tree of RFC 9162 §2.1.1 over batch leaves
///
///     batchLeaf  = dataset32 ‖ u64 first ‖ u32 count ‖ salt32 ‖ batchRoot32 ‖ sealedHash32
///     leaf hash  = H(00 ‖ batchLeaf),   node hash = H(01 ‖ left ‖ right)
///     sealedHash = keccak256(the batch's sealed digests, concatenated) when published, else 32 zero bytes
///
/// and a device signs, as EIP-712 typed data in the domain {name: "Plumbline DISSC", version: "1", chainId,
/// verifyingContract}, the type `Head(bytes32 dataset,uint64 size,uint32 batches,bytes32 root)`.
interface IDISSC {
    /// @notice What `record` takes for one dataset: the batches to append, in order, and a signature over what follows.
    /// @param dataset The dataset's id
    /// @param leaves For each batch `u8 published ‖ u32 count ‖ salt32 ‖ batchRoot32`, packed: 69 bytes a batch. `published`
    /// is 0 or 1; `count`, the number of blocks, is 1 to 1,024
    /// @param sealedDigests The sealed digests of the published batches, in order: 32 bytes a block
    /// @param signature The device's signature of the head after the last of these batches: r ‖ s ‖ v, 65 bytes, low s,
    /// v 27 or 28
    struct Update {
        bytes32 dataset;
        bytes leaves;
        bytes sealedDigests;
        bytes signature;
    }

    /// @notice The state of a dataset's log.
    /// @param size Blocks
    /// @param batches Batches, which are the leaves of the log's tree
    /// @param root The tree's root; zero when the log is empty
    struct Head {
        uint64 size;
        uint32 batches;
        bytes32 root;
    }

    /// @notice A dataset exists from now on.
    event DatasetOpened(bytes32 indexed dataset, address indexed owner, bytes32 name, address device);

    /// @notice From now on only `device` signs the dataset's heads.
    event DeviceSet(bytes32 indexed dataset, address indexed device);

    /// @notice An update was accepted; this is the dataset's head now.
    event Recorded(bytes32 indexed dataset, address indexed signer, uint64 size, uint32 batches, bytes32 root);

    /// @notice A published batch of the update whose `Recorded` came just before. `sealedDigests` counts for a reader only
    /// after `batchRoot` has been rebuilt from it.
    event Published(
        bytes32 indexed dataset,
        uint64 indexed first,
        uint32 count,
        bytes32 salt,
        bytes32 batchRoot,
        bytes sealedDigests
    );

    /// @notice An update was refused and its dataset is as it was.
    /// @param dataset The id in the update; zero if not even that could be read
    /// @param reason The selector of one of the errors below
    event UpdateRefused(bytes32 indexed dataset, bytes4 reason);

    /// @notice The owner ties blocks to the names that storage gave to their objects.
    event ObjectsLinked(bytes32 indexed dataset, uint64 indexed first, uint32 count, bytes objects);

    // Calls that revert.

    /// @notice No dataset has this id. Also a reason to refuse an update.
    error DISSC_UnknownDataset(bytes32 dataset);

    /// @notice The caller has already opened a dataset of this name.
    error DISSC_AlreadyOpen(bytes32 dataset);

    /// @notice A device is an account, never zero.
    error DISSC_ZeroDevice(bytes32 dataset);

    /// @notice Every dataset to open needs one name and one device.
    error DISSC_LengthMismatch(uint256 names, uint256 devices);

    /// @notice Only the dataset's owner may do this.
    error DISSC_NotOwner(bytes32 dataset, address caller, address owner);

    /// @notice Objects can be linked to blocks that are recorded, to one at least.
    error DISSC_RangeNotRecorded(uint64 first, uint32 count, uint64 size);

    /// @notice `objects` must hold 1 to `maximum` bytes.
    error DISSC_BadObjectsLength(uint256 length, uint256 maximum);

    // Reasons to refuse one update. They travel as a selector in `UpdateRefused` and never revert, so they carry nothing.

    /// @notice The update's encoding points outside the call's data.
    error DISSC_MalformedUpdate();

    /// @notice `leaves` is not a whole number of 69-byte batches, one at least.
    error DISSC_BadLeavesLength();

    /// @notice A log holds at most 2^32 - 1 batches.
    error DISSC_LogFull();

    /// @notice A batch's `published` is neither 0 nor 1.
    error DISSC_BadPublishedFlag();

    /// @notice A batch's `count` is not 1 to 1,024.
    error DISSC_BadCount();

    /// @notice `sealedDigests` is not 32 bytes for each block of the published batches.
    error DISSC_BadSealedLength();

    /// @notice `signature` is not 65 bytes long.
    error DISSC_BadSignatureLength();

    /// @notice `v` is neither 27 nor 28, or `s` is in the upper half: each signature has one form that counts.
    error DISSC_NonCanonicalSignature();

    /// @notice The dataset's device did not sign the head that these batches lead to. So ends also what is replayed, out of
    /// order, meant for another dataset, chain or contract, or signed by a former device.
    error DISSC_WrongSigner();

    /// @notice Opens a dataset owned by the caller. Its id is `keccak256(abi.encode(block.chainid, this contract, owner, name))`.
    /// @dev Pays for the first of the slots that the log will use, so that recording costs the same from the start.
    /// @param name What the caller tells its datasets apart by; any 32 bytes
    /// @param device The account that signs the dataset's heads
    /// @return dataset The dataset's id
    function openDataset(bytes32 name, address device) external returns (bytes32 dataset);

    /// @notice Opens many datasets owned by the caller: all of them or, if one cannot be opened, none.
    /// @param names As for `openDataset`
    /// @param devices As for `openDataset`, one for each name
    /// @return datasets The datasets' ids
    function openDatasets(bytes32[] calldata names, address[] calldata devices)
        external
        returns (bytes32[] memory datasets);

    /// @notice The owner replaces the dataset's device. What is recorded stays; the former device signs nothing more.
    /// @param dataset The dataset's id
    /// @param device The account that signs the dataset's heads from now on
    function setDevice(bytes32 dataset, address device) external;

    /// @notice Appends batches to datasets, each update by the authority of its signature, whoever sends it. A bad update is
    /// refused with its reason and leaves its dataset, and the other updates, as they would have been without it.
    /// @dev Updates are taken in order: two of one dataset follow on each other. Exactly once and in order follows from what
    /// is signed: a replayed or reordered update leads to another head. What an update costs depends on the log's length
    /// and on the update, not on how the log came to be.
    /// @param updates The updates
    /// @return accepted For each update whether its dataset's head has moved
    function record(Update[] calldata updates) external returns (bool[] memory accepted);

    /// @notice The owner publishes the names, in storage, of the objects of a range of recorded blocks. The contract keeps
    /// nothing of it and cannot judge it; `objects` is to be encrypted.
    /// @param dataset The dataset's id
    /// @param first The range's first block
    /// @param count The range's number of blocks, one at least
    /// @param objects 1 to 65,536 bytes
    function link(bytes32 dataset, uint64 first, uint32 count, bytes calldata objects) external;

    /// @notice The state of a dataset's log: zeros when it is empty or unknown.
    /// @param dataset The dataset's id
    /// @return size Blocks
    /// @return batches Batches
    /// @return root The root of the tree over the batches
    function head(bytes32 dataset) external view returns (uint64 size, uint32 batches, bytes32 root);

    /// @notice The heads of many datasets, in one state of the chain.
    /// @param datasets The datasets' ids
    /// @return states Their heads, in the same order
    function heads(bytes32[] calldata datasets) external view returns (Head[] memory states);

    /// @notice Who owns a dataset and who signs its heads: zeros when unknown.
    /// @param dataset The dataset's id
    /// @return owner The account that opened it
    /// @return device The account whose signature counts now
    function parties(bytes32 dataset) external view returns (address owner, address device);
}
