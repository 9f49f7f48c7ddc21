// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Data Integrity Service smart contract (DISSC)
/// @notice Holds, for every dataset, the newest head of its append-only log of records, and for every anchorer its newest
/// round. A head moves only to one that the dataset's device has signed and that extends the head before it. Nobody
/// administers, upgrades or pauses this contract.
/// @dev `H` is SHA-256; integers are big-endian. The log of a dataset is the Merkle tree of RFC 9162 §2.1.1 over its records,
/// one of 96 bytes a block:
///
///     leaf hash = H(00 ‖ record),   node hash = H(01 ‖ left ‖ right)
///     dataset   = keccak256(abi.encode(block.chainid, this contract, owner, name, kind))
///     round     = H(05 ‖ u64 time ‖ previous ‖ body)
///
/// Signatures are of EIP-712 typed data in the domain {name: "Plumbline DISSC", version: "2", chainId, verifyingContract}: a
/// device signs `Head(bytes32 dataset,uint64 size,bytes32 root)`, an owner `Charter(bytes32 name,uint8 kind,address
/// device,address anchorer,uint32 serial,uint64 from)`. They are 65 bytes, r ‖ s ‖ v, with a low s and a v of 27 or 28.
interface IDISSC {
    /// @notice The owner's word on who writes a dataset and who anchors it.
    /// @param owner The account that the dataset belongs to
    /// @param name What the owner tells its datasets apart by
    /// @param kind 0 encrypted, 1 plain, 2 attached
    /// @param device The account that signs the dataset's heads from now on
    /// @param anchorer The account in whose rounds the dataset's heads stand; zero when they are recorded directly only
    /// @param serial The second since 1970 in which the charter was signed, or one more than that of the charter before
    /// @param from The block from which this device writes; the contract hands it on and does not judge it
    /// @param signature The owner's; not read where the owner calls
    struct Charter {
        address owner;
        bytes32 name;
        uint8 kind;
        address device;
        address anchorer;
        uint32 serial;
        uint64 from;
        bytes signature;
    }

    /// @notice What `record` takes for one dataset: its new head, and how the log has grown to it.
    /// @param dataset The dataset's id
    /// @param size Blocks of the new head
    /// @param root Its root
    /// @param signature The device's, of the new head
    /// @param peaks Roots of the perfect subtrees of the recorded head: one for each bit set in its size, the largest first
    /// @param appended Roots of the perfect subtrees that lead from there to the new size: at each position p the largest of
    /// 2^k leaves for which 2^k divides p and p + 2^k does not pass the new size
    struct Update {
        bytes32 dataset;
        uint64 size;
        bytes32 root;
        bytes signature;
        bytes32[] peaks;
        bytes32[] appended;
    }

    /// @notice The state of a dataset's log.
    /// @param size Blocks
    /// @param root The tree's root; zero when the log is empty
    struct Head {
        uint64 size;
        bytes32 root;
    }

    /// @notice From now on `device` signs the dataset's heads, and `anchorer` may anchor them.
    event Chartered(
        bytes32 indexed dataset,
        address indexed owner,
        bytes32 name,
        uint8 kind,
        address device,
        address anchorer,
        uint32 serial,
        uint64 from
    );

    /// @notice An update was accepted; this is the dataset's head now. From the `appended` of a dataset's events, in order,
    /// anybody can rebuild the peaks of every size that was ever recorded.
    event Recorded(bytes32 indexed dataset, address indexed signer, uint64 size, bytes32 root, bytes32[] appended);

    /// @notice DISSC refused an update and left its dataset unchanged.
    /// @param dataset The id in the update; zero if not even that could be read
    /// @param reason The selector of one of the errors below
    event UpdateRefused(bytes32 indexed dataset, bytes4 reason);

    /// @notice An account has anchored a round; `round` is its newest now.
    event RoundAnchored(address indexed anchorer, bytes32 round, bytes32 previous, bytes32 body);

    /// @notice Somebody publishes the sealed digests of one batch. They count for a reader only after the records have been
    /// rebuilt from them and lead to the dataset's head.
    event Published(
        bytes32 indexed dataset,
        uint64 indexed first,
        address indexed sender,
        uint32 serial,
        bytes32 salt,
        bytes16 nonce,
        bytes sealedDigests
    );

    /// @notice The owner ties blocks to the names that storage gave to their objects.
    event ObjectsLinked(bytes32 indexed dataset, uint64 indexed first, uint32 count, bytes objects);

    // Calls that revert.

    /// @notice A dataset's kind is 0, 1 or 2.
    error DISSC_BadKind(uint8 kind);

    /// @notice An owner is an account, never zero.
    error DISSC_ZeroOwner();

    /// @notice A device is an account, never zero.
    error DISSC_ZeroDevice(bytes32 dataset);

    /// @notice A charter's serial is the second of its signature: at most `maximum`, a day after this block's time.
    error DISSC_SerialTooHigh(bytes32 dataset, uint32 serial, uint256 maximum);

    /// @notice A charter that names an anchorer comes from the owner alone: nobody else opens, on the chain, a dataset that
    /// lives in rounds.
    error DISSC_NotOwner(bytes32 dataset, address caller, address owner);

    /// @notice The charter was not signed by its owner, or not in the one form that counts.
    error DISSC_WrongCharterSignature(bytes32 dataset, address owner);

    /// @notice `previous` is not the caller's newest round, which is `newest`.
    error DISSC_WrongPrevious(address anchorer, bytes32 previous, bytes32 newest);

    /// @notice A batch has 1 to 1,024 blocks, and so as many sealed digests of 32 bytes.
    error DISSC_BadSealedLength(uint256 length);

    // Reasons to refuse one update. They travel as a selector in `UpdateRefused` and never revert, so they carry nothing.

    /// @notice The update's encoding points outside the call's data.
    error DISSC_MalformedUpdate();

    /// @notice No charter of this dataset has been sent to the chain.
    error DISSC_UnknownDataset();

    /// @notice The new size is not larger than the recorded one. A replayed update ends here.
    error DISSC_NoGrowth();

    /// @notice A log holds at most 2^48 blocks, and grows by at most 2^28 at once.
    error DISSC_TooMuchGrowth();

    /// @notice There is not one peak for each bit set in the recorded size.
    error DISSC_WrongNumberOfPeaks();

    /// @notice The peaks are not those of the recorded root.
    error DISSC_WrongPeaks();

    /// @notice There are more or fewer appended subtrees than lead from the recorded size to the new one.
    error DISSC_WrongNumberAppended();

    /// @notice Peaks and appended subtrees lead to another root.
    error DISSC_WrongRoot();

    /// @notice `signature` is not 65 bytes long.
    error DISSC_BadSignatureLength();

    /// @notice `v` is neither 27 nor 28, or `s` is in the upper half: each signature has one form that counts.
    error DISSC_NonCanonicalSignature();

    /// @notice The dataset's device did not sign the new head. This also refuses a head for another dataset, chain or
    /// contract, and one that a former device signed.
    error DISSC_WrongSigner();

    /// @notice Takes note of charters, then lets datasets grow. Anyone may call.
    ///
    /// A charter comes from the owner or, where it names no anchorer, from anyone with the owner's signature. One whose
    /// serial is not higher than the dataset's is skipped before anything else of it is looked at; any other that is not
    /// right reverts the call.
    ///
    /// An update counts by its device's signature, whoever sends it. A bad one is refused with its reason and leaves its
    /// dataset, and the other updates, as they would have been without it. Updates are taken in order: two of one dataset
    /// follow on each other.
    /// @dev That the log is append-only is the contract's own arithmetic: it bags `peaks` and compares with the recorded root,
    /// merges `appended`, bags again and compares with the new root. That the new root has `size` leaves is the device's word.
    /// What an update costs depends on the two sizes, and on nothing else that has come since.
    /// @param charters The charters
    /// @param updates The updates
    /// @return accepted For each update whether its dataset's head has moved
    function record(Charter[] calldata charters, Update[] calldata updates) external returns (bool[] memory accepted);

    /// @notice Makes `body` the caller's newest round, behind `previous`, with the time of this block.
    /// @param previous The caller's newest round so far; zero before the first
    /// @param body What the round holds: H(06 ‖ u64 number ‖ root of the rounds before ‖ map)
    /// @return newest The new round
    function anchor(bytes32 previous, bytes32 body) external returns (bytes32 newest);

    /// @notice Publishes the sealed digests of one batch. The contract keeps nothing of it and cannot judge it.
    /// @param dataset The dataset's id
    /// @param serial The serial of the device that sealed the batch
    /// @param first The batch's first block
    /// @param salt The batch's salt
    /// @param nonce The batch's nonce; zero when it is not encrypted
    /// @param sealedDigests 32 bytes for each of the batch's blocks, in order
    function publish(
        bytes32 dataset,
        uint32 serial,
        uint64 first,
        bytes32 salt,
        bytes16 nonce,
        bytes calldata sealedDigests
    ) external;

    /// @notice Publishes the names, in storage, of the objects of a range of blocks of a dataset of the caller. The contract
    /// keeps nothing of it and cannot judge it; `objects` is to be encrypted.
    /// @param name The dataset's name
    /// @param kind The dataset's kind
    /// @param first The range's first block
    /// @param count The range's number of blocks
    /// @param objects The names
    function link(bytes32 name, uint8 kind, uint64 first, uint32 count, bytes calldata objects) external;

    /// @notice The state of a dataset's log: zeros when nothing of it is recorded.
    /// @param dataset The dataset's id
    /// @return size Blocks
    /// @return root The tree's root
    function head(bytes32 dataset) external view returns (uint64 size, bytes32 root);

    /// @notice The heads of many datasets, in one state of the chain.
    /// @param datasets The datasets' ids
    /// @return states Their heads, in the same order
    function heads(bytes32[] calldata datasets) external view returns (Head[] memory states);

    /// @notice Who signs a dataset's heads, by the newest charter on the chain: zeros before the first.
    /// @param dataset The dataset's id
    /// @return account The account whose signature counts now
    /// @return serial The serial of that charter
    function device(bytes32 dataset) external view returns (address account, uint32 serial);

    /// @notice An anchorer's newest round: zero before the first.
    /// @param anchorer The account
    /// @return newest The round
    function round(address anchorer) external view returns (bytes32 newest);
}
