// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "./IDISSC.sol";

/// @title Owner–consumer agreement smart contract (OCASC)
/// @notice Sells a range of recorded blocks, delivered piece by piece against signed vouchers, with a bond that is lost when a
/// challenged chunk is not produced, or the key of a paid block is not shown. Nobody administers, upgrades or pauses this
/// contract.
/// @dev Money that leaves an agreement becomes a credit of the owner or of the consumer, never of anyone else, and waits for
/// `withdraw`. P and B are price and bond, S is the stake of the open question; `due` is what the owner has earned.
///
///     offer      –                  -> Offered      B in
///     cancel     Offered            -> Cancelled    B -> owner
///     accept     Offered            -> Active       P in; due = fee; end = now + duration
///     claim      Active, Challenged, Lapsed         raises due
///     challenge  Active             -> Challenged   S in, in the native coin: it pays for the answer, twice
///     demandKey  Active             -> Challenged   S in, in the native coin: it pays for the answer
///     respond    Challenged, Lapsed -> Active       S -> owner, whoever answers
///     lapse      Challenged         -> Lapsed       starts a grace of a quarter of the window
///     breach     Lapsed             -> Breached     due -> owner; P - due + B, and S, -> consumer
///     approve    Active             -> Closed       P + B -> owner
///     quit       Active, Challenged                 end = now
///     close      Active             -> Closed       due + B -> owner; P - due -> consumer
///
/// A breach takes two steps, so that a chain that stood still costs nobody a bond in the first block after it.
///
/// The consumer's signer signs, as EIP-712 typed data in the domain {name: "Plumbline OCASC", version: "2", chainId,
/// verifyingContract}, the type `Voucher(bytes32 agreement,uint128 due)`. The parties sign what they tell each other off the
/// chain in the same domain, as `Message(bytes32 agreement,address from,address to,uint64 sequence,bytes32 payload)`.
///
/// **Tokens.** A token that brings another amount than asked for is refused when it comes in. Of a token that has become less
/// in this contract by itself each creditor gets the part of a credit that is there of all that is owed in it, whoever comes
/// first; and nobody brings in more of it until it is whole again. What has become more by itself is nobody's.
interface IOCASC {
    enum State {
        None,
        Offered,
        Cancelled,
        Active,
        Challenged,
        Lapsed,
        Breached,
        Closed
    }

    /// @notice What is asked for while an agreement is Challenged or Lapsed.
    enum Question {
        None,
        Chunk,
        Key
    }

    /// @notice What an owner offers. It never changes.
    /// @param dataset The dataset's id
    /// @param first The first block for sale
    /// @param count The number of blocks for sale, one at least
    /// @param token The ERC-20 that price, fee and bond are in; zero for the native coin
    /// @param price What all the blocks cost, fee included
    /// @param fee The part of the price that is due as soon as the offer is accepted; at most price and bond
    /// @param bond What the owner puts in and loses at a breach
    /// @param stake What a challenge costs at least, in wei, whatever the token
    /// @param maxChallenges How many challenges the consumer has, one at least
    /// @param maxDemands How many keys the consumer may demand, one at least
    /// @param samples How many blocks, of the consumer's choice, are delivered before they are paid for; at most 4,096
    /// @param previews How many of the samples come with their content keys; at most 8
    /// @param window Seconds to answer, and to claim after the end; `minWindow` to 30 days
    /// @param duration Seconds from acceptance to the end; `minWindow` to 5 years
    /// @param acceptBy The last second at which the offer can be accepted
    /// @param consumer Who may accept; zero for anyone
    struct Terms {
        bytes32 dataset;
        uint64 first;
        uint32 count;
        address token;
        uint128 price;
        uint128 fee;
        uint128 bond;
        uint96 stake;
        uint16 maxChallenges;
        uint16 maxDemands;
        uint32 samples;
        uint8 previews;
        uint32 window;
        uint32 duration;
        uint64 acceptBy;
        address consumer;
    }

    /// @notice The question that is open, or zeros.
    /// @param blockIndex The block, numbered as in the dataset
    /// @param seed Names the chunk: number `seed mod ceil(size / 1024)`; zero where a key is asked for
    /// @param stake What the consumer has put in, in wei
    /// @param deadline The last second at which the question cannot lapse
    struct Challenge {
        uint64 blockIndex;
        uint32 seed;
        uint96 stake;
        uint64 deadline;
    }

    /// @notice All there is to know about an agreement.
    /// @param terms As offered
    /// @param root The root of the dataset's log when the offer was made: answers are judged by it
    /// @param size The log's number of blocks then
    /// @param owner The dataset's owner
    /// @param state Where the agreement stands
    /// @param kind The dataset's kind
    /// @param question What is asked for
    /// @param agent The account that signs messages for the owner; it has no say over money
    /// @param end When questions end; zero until accepted
    /// @param challenges How many challenges there have been
    /// @param demands How many keys have been demanded
    /// @param ownerEncryptionKey For messages to the owner (X25519)
    /// @param consumerEncryptionKey For messages to the consumer (X25519)
    /// @param consumer Who has accepted
    /// @param graceEnd The last second to answer what has lapsed; zero when nothing has
    /// @param signer The account that signs vouchers and messages for the consumer
    /// @param due What the owner has earned so far
    /// @param challenge The open question
    struct Agreement {
        Terms terms;
        bytes32 root;
        uint64 size;
        address owner;
        State state;
        uint8 kind;
        Question question;
        address agent;
        uint64 end;
        uint16 challenges;
        uint16 demands;
        bytes32 ownerEncryptionKey;
        bytes32 consumerEncryptionKey;
        address consumer;
        uint64 graceEnd;
        address signer;
        uint128 due;
        Challenge challenge;
    }

    /// @notice The record of the block in question with its path to the root of the log, and what it opens (`H` is SHA-256):
    ///
    ///     record     = sealedDigest ‖ commitment ‖ contentCommitment
    ///     root       = RFC 9162 root of the log's records, by `path`, from the block's own position
    ///
    ///     a chunk:     chunkRoot    = RFC 9162 root of the block's chunks, from `chunk` and `chunkPath`
    ///                  digest       = H(02 ‖ dataset ‖ u64 block ‖ u32 size ‖ blockHash ‖ chunkRoot ‖ metaHash)
    ///                  sealedDigest = digest XOR H(13 ‖ key),   commitment = H(14 ‖ key)
    ///     a key:       contentCommitment = H(22 ‖ key)
    ///
    /// @dev Number and direction of a path's steps follow from the leaf's index and the number of leaves.
    /// @param sealedDigest The record's first part
    /// @param commitment Its second
    /// @param contentCommitment Its third
    /// @param path From the record up to the root of the log
    /// @param key A chunk: the block's key; a key: the block's content key
    /// @param size A chunk: the block's bytes, 1 to 2^20. From here on nothing is read where a key is asked for
    /// @param blockHash SHA-256 of the whole block
    /// @param metaHash SHA-256 of the block's meta
    /// @param chunk 1,024 bytes; the last chunk of a block may be shorter
    /// @param chunkPath From the chunk up to the root of the block's chunks
    struct Answer {
        bytes32 sealedDigest;
        bytes32 commitment;
        bytes32 contentCommitment;
        bytes32[] path;
        bytes32 key;
        uint32 size;
        bytes32 blockHash;
        bytes32 metaHash;
        bytes chunk;
        bytes32[] chunkPath;
    }

    /// @notice An owner has put in the bond and offers blocks for sale.
    event Offered(
        bytes32 indexed id,
        address indexed owner,
        bytes32 indexed dataset,
        uint256 nonce,
        Terms terms,
        bytes32 root,
        uint64 size,
        uint8 kind,
        address agent,
        bytes32 encryptionKey
    );

    /// @notice The owner has taken back an offer.
    event OfferCancelled(bytes32 indexed id);

    /// @notice A consumer has put in the price; until `end` there can be questions.
    event Accepted(bytes32 indexed id, address indexed consumer, address signer, bytes32 encryptionKey, uint64 end);

    /// @notice A voucher has raised what the owner has earned.
    event Claimed(bytes32 indexed id, uint128 due);

    /// @notice The consumer wants to see a chunk of a block, and has put in `stake`. It can lapse after `deadline`.
    event Challenged(bytes32 indexed id, uint64 indexed blockIndex, uint32 seed, uint96 stake, uint64 deadline);

    /// @notice The consumer wants to see the content key of a paid block, and has put in `stake`. It can lapse after `deadline`.
    event KeyDemanded(bytes32 indexed id, uint64 indexed blockIndex, uint96 stake, uint64 deadline);

    /// @notice The chunk has been shown; the stake is the owner's.
    event Answered(bytes32 indexed id, uint64 indexed blockIndex, uint256 chunkIndex, uint96 stake);

    /// @notice The content key has been shown; the stake is the owner's.
    event KeyShown(bytes32 indexed id, uint64 indexed blockIndex, bytes32 contentKey, uint96 stake);

    /// @notice There was no answer in time; until `graceEnd` there still can be one.
    event Lapsed(bytes32 indexed id, uint64 graceEnd);

    /// @notice There was no answer; the bond is the consumer's. The stake goes back, too.
    event Breached(bytes32 indexed id, uint256 toOwner, uint256 toConsumer, uint96 stake);

    /// @notice The consumer has stopped delivery: nobody can ask any more.
    event Quitted(bytes32 indexed id, uint64 end);

    /// @notice The agreement has ended without a breach.
    event Closed(bytes32 indexed id, uint256 toOwner, uint256 toConsumer);

    /// @notice `amount` of `token` waits for `account`. `id` is the agreement it comes from.
    event Credited(address indexed token, address indexed account, bytes32 indexed id, uint256 amount);

    /// @notice An account has used up `credited` of its credit, for which `paid` has left this contract. They differ only where
    /// the token's balances have changed by themselves.
    event Withdrawn(address indexed token, address indexed account, address to, uint256 credited, uint256 paid);

    /// @notice Only the dataset's owner can offer its blocks: name and kind are not those of a dataset of the caller's.
    error OCASC_NotDatasetOwner(bytes32 dataset, address caller, bytes32 name, uint8 kind);

    /// @notice Blocks for sale are recorded blocks, one at least.
    error OCASC_RangeNotRecorded(uint64 first, uint32 count, uint64 size);

    /// @notice The fee is at most the price and at most the bond.
    error OCASC_FeeTooHigh(uint128 fee, uint128 price, uint128 bond);

    /// @notice A window is `minimum` to `maximum` seconds long.
    error OCASC_BadWindow(uint256 window, uint256 minimum, uint256 maximum);

    /// @notice An agreement lasts `minimum` to `maximum` seconds.
    error OCASC_BadDuration(uint256 duration, uint256 minimum, uint256 maximum);

    /// @notice The consumer may ask for one chunk and one key at least.
    error OCASC_NoQuestions(uint16 maxChallenges, uint16 maxDemands);

    /// @notice At most `maximum` blocks are delivered before they are paid for.
    error OCASC_TooManySamples(uint256 samples, uint256 maximum);

    /// @notice Previews are samples, and at most `maximum` of them.
    error OCASC_TooManyPreviews(uint256 previews, uint256 maximum);

    /// @notice Agents, signers and receivers are accounts, never zero.
    error OCASC_ZeroAccount();

    /// @notice An X25519 public key is never zero.
    error OCASC_ZeroEncryptionKey();

    /// @notice The agreement's state does not allow this; unknown agreements are in state `None`.
    error OCASC_WrongState(bytes32 id, State state);

    /// @notice Only `allowed` may do this.
    error OCASC_NotAllowed(bytes32 id, address caller, address allowed);

    /// @notice This was possible until `limit`, that second included.
    error OCASC_TooLate(bytes32 id, uint256 timestamp, uint256 limit);

    /// @notice This is possible from `limit` on, that second included.
    error OCASC_TooEarly(bytes32 id, uint256 timestamp, uint256 limit);

    /// @notice A voucher raises what is due, at most to the price.
    error OCASC_BadDue(bytes32 id, uint128 due, uint128 current, uint128 price);

    /// @notice The voucher was not signed by the consumer's signer: r ‖ s ‖ v, 65 bytes, low s, v 27 or 28.
    error OCASC_WrongSigner(bytes32 id, address recovered, address signer);

    /// @notice The block is not among those for sale.
    error OCASC_BlockNotForSale(bytes32 id, uint64 blockIndex, uint64 first, uint32 count);

    /// @notice What is due pays for the first `paid` blocks of the range, and this is not one of them.
    error OCASC_BlockNotPaid(bytes32 id, uint64 blockIndex, uint64 first, uint256 paid);

    /// @notice Only the blocks of an encrypted dataset have content keys.
    error OCASC_NoContentKeys(bytes32 id, uint8 kind);

    /// @notice All challenges that the terms allow have been made.
    error OCASC_NoChallengeLeft(bytes32 id, uint16 maxChallenges);

    /// @notice All keys that the terms allow have been demanded.
    error OCASC_NoDemandLeft(bytes32 id, uint16 maxDemands);

    /// @notice The question must bring at least `stake`.
    error OCASC_StakeTooLow(bytes32 id, uint256 value, uint256 stake);

    /// @notice A block has 1 to `maximum` bytes.
    error OCASC_BadSize(uint32 size, uint256 maximum);

    /// @notice The chunk in question, number `chunkIndex`, has `expected` bytes.
    error OCASC_BadChunkLength(uint256 chunkIndex, uint256 length, uint256 expected);

    /// @notice A path from leaf `index` among `leaves` has another length.
    error OCASC_BadPathLength(uint256 index, uint256 leaves, uint256 length);

    /// @notice The key is not the one that the record commits to.
    error OCASC_WrongKey(bytes32 committed, bytes32 expected);

    /// @notice The chunk and what goes with it seal to another digest than the record's.
    error OCASC_WrongOpening(bytes32 sealedDigest, bytes32 expected);

    /// @notice The answer leads to another root than that of the log when the offer was made.
    error OCASC_WrongRoot(bytes32 computed, bytes32 root);

    /// @notice The call must bring `expected` wei.
    error OCASC_WrongValue(uint256 value, uint256 expected);

    /// @notice A transfer moved a different amount: OCASC refuses tokens that take a fee.
    error OCASC_WrongAmount(address token, uint256 moved, uint256 expected);

    /// @notice OCASC holds less of this token than it owes, so nobody can bring in more of it.
    error OCASC_TokenShort(address token, uint256 held, uint256 owed);

    /// @notice The caller has no such credit in this token.
    error OCASC_NoCredit(address token, address account, uint256 amount, uint256 credit);

    /// @notice Offers blocks for sale and puts in the bond. The offer's id is `keccak256(abi.encode(block.chainid, this
    /// contract, owner, nonce, terms, root, size, agent, encryptionKey))`, with root and size of the dataset's log as they are
    /// now: accepting an id accepts just these terms, this log, and these keys.
    /// @dev The bond comes with the call when it is in the native coin, else it must have been approved.
    /// @param name The dataset's name
    /// @param kind The dataset's kind
    /// @param terms What is offered
    /// @param agent The account that signs messages for the owner
    /// @param encryptionKey For messages to the owner (X25519)
    /// @return id The agreement's id
    function offer(bytes32 name, uint8 kind, Terms calldata terms, address agent, bytes32 encryptionKey)
        external
        payable
        returns (bytes32 id);

    /// @notice The owner takes back an offer that nobody has accepted, at any time; nobody else can.
    /// @param id The agreement's id
    function cancel(bytes32 id) external;

    /// @notice Accepts an offer and puts in the price.
    /// @dev The price comes with the call when it is in the native coin, else it must have been approved.
    /// @param id The agreement's id
    /// @param signer The account that signs vouchers and messages for the consumer: a plain account, as a contract's
    /// signature could be taken back
    /// @param encryptionKey For messages to the consumer (X25519)
    function accept(bytes32 id, address signer, bytes32 encryptionKey) external payable;

    /// @notice Raises what is due to what a voucher says. Anyone may bring it.
    /// @param id The agreement's id
    /// @param due What the voucher says
    /// @param signature Of `Voucher(id, due)`, by the consumer's signer
    function claim(bytes32 id, uint128 due, bytes calldata signature) external;

    /// @notice The consumer wants to see chunk `seed mod ceil(size / 1024)` of a block. Costs a stake: `challengeStake(id)`
    /// now. What the call brings beyond that becomes the consumer's credit, as the base fee may fall on the way.
    /// @param id The agreement's id
    /// @param blockIndex One of the blocks for sale, numbered as in the dataset
    /// @param seed Names the chunk
    function challenge(bytes32 id, uint64 blockIndex, uint32 seed) external payable;

    /// @notice The consumer wants to see the content key of a block that is paid for by what is due. Costs a stake:
    /// `demandStake()` now. What the call brings beyond that becomes the consumer's credit.
    /// @param id The agreement's id
    /// @param blockIndex One of the first floor(count · (due - fee) / (price - fee)) blocks for sale: all when price = fee
    function demandKey(bytes32 id, uint64 blockIndex) external payable;

    /// @notice Shows the chunk or the key that is asked for. Anyone may; the stake becomes the owner's credit.
    /// @param id The agreement's id
    /// @param answer The record, what it opens, and its path to the root of the log
    function respond(bytes32 id, Answer calldata answer) external;

    /// @notice States that there was no answer in time. Anyone may. From this block on there is a quarter of the window left.
    /// @param id The agreement's id
    function lapse(bytes32 id) external;

    /// @notice States that there was no answer in that time either. Anyone may.
    /// @param id The agreement's id
    function breach(bytes32 id) external;

    /// @notice Approves the delivery: the owner gets the whole price, and the bond back.
    /// @param id The agreement's id
    function approve(bytes32 id) external;

    /// @notice Stops delivery. The owner has `window` from now to claim what vouchers say.
    /// @param id The agreement's id
    function quit(bytes32 id) external;

    /// @notice Ends an agreement: the owner from its end on, anyone from `window` after its end on.
    /// @param id The agreement's id
    function close(bytes32 id) external;

    /// @notice Takes out all that the caller is credited with in a token.
    /// @param token The ERC-20, or zero for the native coin
    /// @param to Where it goes
    function withdraw(address token, address to) external;

    /// @notice Takes out a part of what the caller is credited with in a token: for tokens that round up what they move, and
    /// would take for the whole a unit that is others'. What is moved too much is taken out of the rest of the credit.
    /// @param token The ERC-20, or zero for the native coin
    /// @param to Where it goes
    /// @param amount Of the credit
    function withdrawPart(address token, address to, uint256 amount) external;

    /// @notice The contract that holds the datasets' heads.
    function dissc() external view returns (IDISSC);

    /// @notice The shortest window, in seconds.
    function minWindow() external view returns (uint32);

    /// @notice What showing a chunk is taken to cost, in gas: a challenge's stake is at least twice its base fee.
    function answerGas() external view returns (uint256);

    /// @notice What showing a key is taken to cost, in gas: a demand's stake is its base fee.
    function demandGas() external view returns (uint256);

    /// @notice An agreement; zeros, in state `None`, when unknown.
    function agreement(bytes32 id) external view returns (Agreement memory);

    /// @notice How many offers an owner has made: the nonce of the next one.
    function offers(address owner) external view returns (uint256);

    /// @notice What a challenge costs at the base fee of now: the larger of the terms' stake and 2 × `answerGas` × base fee.
    function challengeStake(bytes32 id) external view returns (uint256);

    /// @notice What a demand costs at the base fee of now: `demandGas` × base fee.
    function demandStake() external view returns (uint256);

    /// @notice What the contract owes an account.
    function credit(address token, address account) external view returns (uint256);

    /// @notice All of an ERC-20 that this contract owes: credits, and what agreements hold.
    function owed(address token) external view returns (uint256);
}
