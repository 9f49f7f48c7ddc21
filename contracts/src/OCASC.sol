// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { BlockAnswer } from "./answer/BlockAnswer.sol";
import { DatasetId } from "./identity/DatasetId.sol";
import { IDISSC } from "./interfaces/IDISSC.sol";
import { IOCASC } from "./interfaces/IOCASC.sol";
import { Credits } from "./money/Credits.sol";

/// @title OCASC
/// @dev Calls DISSC, which calls nothing, and tokens and receivers of the native coin, which may call back: every function
/// that changes anything is behind one guard. There is no `receive`: what no call asks for is not taken.
contract OCASC is Credits, EIP712, ReentrancyGuardTransient {
    using SafeCast for uint256;

    uint256 private constant MAX_WINDOW = 30 days;
    uint256 private constant MAX_DURATION = 5 * 365 days;
    uint256 private constant MAX_SAMPLES = 4096;
    uint256 private constant MAX_PREVIEWS = 8;
    uint8 private constant ENCRYPTED = 0;
    bytes32 private constant VOUCHER_TYPE = keccak256("Voucher(bytes32 agreement,uint128 due)");

    /// @inheritdoc IOCASC
    IDISSC public immutable dissc;
    /// @inheritdoc IOCASC
    uint32 public immutable minWindow;
    /// @inheritdoc IOCASC
    uint256 public immutable answerGas;
    /// @inheritdoc IOCASC
    uint256 public immutable demandGas;

    mapping(bytes32 id => Agreement) private _agreements;
    /// @inheritdoc IOCASC
    mapping(address owner => uint256) public offers;

    /// @param dissc_ The contract that holds the datasets' heads
    /// @param minWindow_ The shortest window, in seconds: 1 to 30 days
    /// @param answerGas_ What showing a chunk is taken to cost, in gas
    /// @param demandGas_ What showing a key is taken to cost, in gas
    constructor(IDISSC dissc_, uint32 minWindow_, uint256 answerGas_, uint256 demandGas_)
        EIP712("Plumbline OCASC", "2")
    {
        if (minWindow_ == 0 || minWindow_ > MAX_WINDOW) {
            revert OCASC_BadWindow(minWindow_, 1, MAX_WINDOW);
        }
        dissc = dissc_;
        minWindow = minWindow_;
        answerGas = answerGas_;
        demandGas = demandGas_;
    }

    /// @inheritdoc IOCASC
    function offer(bytes32 name, uint8 kind, Terms calldata terms, address agent, bytes32 encryptionKey)
        external
        payable
        nonReentrant
        returns (bytes32 id)
    {
        // Check: the terms are possible, the caller owns the dataset, the blocks are recorded
        _checkTerms(terms);
        if (agent == address(0)) revert OCASC_ZeroAccount();
        if (encryptionKey == 0) revert OCASC_ZeroEncryptionKey();
        if (DatasetId.compute(address(dissc), msg.sender, name, kind) != terms.dataset) {
            revert OCASC_NotDatasetOwner(terms.dataset, msg.sender, name, kind);
        }
        (uint64 size, bytes32 root) = dissc.head(terms.dataset);
        if (terms.count == 0 || uint256(terms.first) + terms.count > size) {
            revert OCASC_RangeNotRecorded(terms.first, terms.count, size);
        }

        // Effect: an offer that is bound to the log as it is
        uint256 nonce = offers[msg.sender]++;
        id = keccak256(
            abi.encode(block.chainid, address(this), msg.sender, nonce, terms, root, size, agent, encryptionKey)
        );
        Agreement storage a = _agreements[id];
        a.terms = terms;
        a.root = root;
        a.size = size;
        a.owner = msg.sender;
        a.state = State.Offered;
        a.kind = kind;
        a.agent = agent;
        a.ownerEncryptionKey = encryptionKey;

        // Log
        emit Offered(id, msg.sender, terms.dataset, nonce, terms, root, size, kind, agent, encryptionKey);

        // Interact: the bond comes in
        _pull(terms.token, terms.bond);
    }

    /// @inheritdoc IOCASC
    function cancel(bytes32 id) external nonReentrant {
        // Check: the owner takes back what nobody has accepted
        Agreement storage a = _in(id, State.Offered);
        _checkCaller(id, a.owner);

        // Effect: the bond goes back
        a.state = State.Cancelled;
        emit OfferCancelled(id);
        _credit(id, a.terms.token, a.owner, a.terms.bond);
    }

    /// @inheritdoc IOCASC
    function accept(bytes32 id, address signer, bytes32 encryptionKey) external payable nonReentrant {
        // Check: the offer stands, for this caller, who names a signer and a key
        Agreement storage a = _in(id, State.Offered);
        if (a.terms.consumer != address(0)) _checkCaller(id, a.terms.consumer);
        if (block.timestamp > a.terms.acceptBy) revert OCASC_TooLate(id, block.timestamp, a.terms.acceptBy);
        if (signer == address(0)) revert OCASC_ZeroAccount();
        if (encryptionKey == 0) revert OCASC_ZeroEncryptionKey();

        // Effect: from now on, for the duration
        uint64 end = uint64(block.timestamp) + a.terms.duration;
        a.state = State.Active;
        a.consumer = msg.sender;
        a.signer = signer;
        a.consumerEncryptionKey = encryptionKey;
        a.end = end;
        a.due = a.terms.fee;

        // Log
        emit Accepted(id, msg.sender, signer, encryptionKey, end);

        // Interact: the price comes in
        _pull(a.terms.token, a.terms.price);
    }

    /// @inheritdoc IOCASC
    function claim(bytes32 id, uint128 due, bytes calldata signature) external nonReentrant {
        // Check: a voucher for more than before, at most the price, of the consumer's signer
        Agreement storage a = _accepted(id);
        if (due <= a.due || due > a.terms.price) revert OCASC_BadDue(id, due, a.due, a.terms.price);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPE, id, due)));
        // Zero for whatever is no signature in the one form that counts; a signer never is
        (address recovered,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (recovered != a.signer) revert OCASC_WrongSigner(id, recovered, a.signer);

        // Effect
        a.due = due;

        // Log
        emit Claimed(id, due);
    }

    /// @inheritdoc IOCASC
    function challenge(bytes32 id, uint64 blockIndex, uint32 seed) external payable nonReentrant {
        // Check: the consumer asks in time, for a block that is for sale, not too often
        Agreement storage a = _in(id, State.Active);
        _checkQuestion(id, a, blockIndex);
        if (a.challenges >= a.terms.maxChallenges) revert OCASC_NoChallengeLeft(id, a.terms.maxChallenges);

        // Effect: one challenge more
        ++a.challenges;
        uint256 stake = _challengeStake(a.terms.stake);
        uint64 deadline = _ask(id, a, Question.Chunk, blockIndex, seed, stake);

        // Log
        emit Challenged(id, blockIndex, seed, uint96(stake), deadline);
    }

    /// @inheritdoc IOCASC
    function demandKey(bytes32 id, uint64 blockIndex) external payable nonReentrant {
        // Check: the consumer asks in time, for a block that has a key and is paid for, not too often
        Agreement storage a = _in(id, State.Active);
        _checkQuestion(id, a, blockIndex);
        if (a.kind != ENCRYPTED) revert OCASC_NoContentKeys(id, a.kind);
        if (a.demands >= a.terms.maxDemands) revert OCASC_NoDemandLeft(id, a.terms.maxDemands);
        uint256 paid = _paidBlocks(a);
        if (blockIndex - a.terms.first >= paid) revert OCASC_BlockNotPaid(id, blockIndex, a.terms.first, paid);

        // Effect: one demand more
        ++a.demands;
        uint256 stake = demandStake();
        uint64 deadline = _ask(id, a, Question.Key, blockIndex, 0, stake);

        // Log
        emit KeyDemanded(id, blockIndex, uint96(stake), deadline);
    }

    /// @inheritdoc IOCASC
    function respond(bytes32 id, Answer calldata answer) external nonReentrant {
        // Check: in time, which is until somebody says that it was not, and for the grace after
        Agreement storage a = _agreements[id];
        (uint64 size, address owner, State state, Question question) = (a.size, a.owner, a.state, a.question);
        if (state != State.Challenged && state != State.Lapsed) revert OCASC_WrongState(id, state);
        if (state == State.Lapsed) {
            if (block.timestamp > a.graceEnd) revert OCASC_TooLate(id, block.timestamp, a.graceEnd);
            a.graceEnd = 0;
        }

        // Check: the answer leads from the chunk or the key to the log that was offered
        Challenge memory open = a.challenge;
        if (question == Question.Key) {
            BlockAnswer.checkKey(answer);
            emit KeyShown(id, open.blockIndex, answer.key, open.stake);
        } else {
            uint256 index = BlockAnswer.checkChunk(a.terms.dataset, open.blockIndex, open.seed, answer);
            emit Answered(id, open.blockIndex, index, open.stake);
        }
        bytes32 root = BlockAnswer.logRoot(open.blockIndex, size, answer);
        if (root != a.root) revert OCASC_WrongRoot(root, a.root);

        // Effect: the agreement goes on, and the stake is the owner's
        (a.state, a.question) = (State.Active, Question.None);
        delete a.challenge;
        _credit(id, NATIVE, owner, open.stake);
    }

    /// @inheritdoc IOCASC
    function lapse(bytes32 id) external nonReentrant {
        // Check: there was no answer in time
        Agreement storage a = _in(id, State.Challenged);
        uint64 deadline = a.challenge.deadline;
        if (block.timestamp <= deadline) revert OCASC_TooEarly(id, block.timestamp, uint256(deadline) + 1);

        // Effect: a last chance, from now on, as nobody may have been able to answer before
        uint64 graceEnd = uint64(block.timestamp) + a.terms.window / 4;
        a.state = State.Lapsed;
        a.graceEnd = graceEnd;

        // Log
        emit Lapsed(id, graceEnd);
    }

    /// @inheritdoc IOCASC
    function breach(bytes32 id) external nonReentrant {
        // Check: nor was there one in the grace
        Agreement storage a = _in(id, State.Lapsed);
        if (block.timestamp <= a.graceEnd) revert OCASC_TooEarly(id, block.timestamp, uint256(a.graceEnd) + 1);

        // Effect: the owner keeps what was earned; all else is the consumer's
        uint96 stake = a.challenge.stake;
        (uint256 toOwner, uint256 toConsumer) = (a.due, uint256(a.terms.price) - a.due + a.terms.bond);
        a.state = State.Breached;
        a.question = Question.None;
        a.graceEnd = 0;
        delete a.challenge;
        emit Breached(id, toOwner, toConsumer, stake);
        _credit(id, a.terms.token, a.owner, toOwner);
        _credit(id, a.terms.token, a.consumer, toConsumer);
        _credit(id, NATIVE, a.consumer, stake);
    }

    /// @inheritdoc IOCASC
    function approve(bytes32 id) external nonReentrant {
        // Check: the consumer is content
        Agreement storage a = _in(id, State.Active);
        _checkCaller(id, a.consumer);

        // Effect: everything is earned
        a.due = a.terms.price;
        _close(id, a);
    }

    /// @inheritdoc IOCASC
    function quit(bytes32 id) external nonReentrant {
        // Check: the consumer wants no more, before the end
        Agreement storage a = _agreements[id];
        if (a.state != State.Active && a.state != State.Challenged) revert OCASC_WrongState(id, a.state);
        _checkCaller(id, a.consumer);
        _checkBefore(id, a.end);

        // Effect: the end is now
        a.end = uint64(block.timestamp);

        // Log
        emit Quitted(id, uint64(block.timestamp));
    }

    /// @inheritdoc IOCASC
    function close(bytes32 id) external nonReentrant {
        // Check: the owner's time has come, or everyone's
        Agreement storage a = _in(id, State.Active);
        uint256 from = msg.sender == a.owner ? a.end : uint256(a.end) + a.terms.window;
        if (block.timestamp < from) revert OCASC_TooEarly(id, block.timestamp, from);

        // Effect: each gets what is theirs
        _close(id, a);
    }

    /// @inheritdoc IOCASC
    function withdraw(address token, address to) external nonReentrant {
        _withdraw(token, to, credit[token][msg.sender]);
    }

    /// @inheritdoc IOCASC
    function withdrawPart(address token, address to, uint256 amount) external nonReentrant {
        _withdraw(token, to, amount);
    }

    /// @inheritdoc IOCASC
    function agreement(bytes32 id) external view returns (Agreement memory) {
        return _agreements[id];
    }

    /// @inheritdoc IOCASC
    function challengeStake(bytes32 id) external view returns (uint256) {
        return _challengeStake(_agreements[id].terms.stake);
    }

    /// @inheritdoc IOCASC
    function demandStake() public view returns (uint256) {
        return demandGas * block.basefee;
    }

    function _checkTerms(Terms calldata terms) private view {
        if (terms.fee > terms.price || terms.fee > terms.bond) {
            revert OCASC_FeeTooHigh(terms.fee, terms.price, terms.bond);
        }
        if (terms.window < minWindow || terms.window > MAX_WINDOW) {
            revert OCASC_BadWindow(terms.window, minWindow, MAX_WINDOW);
        }
        if (terms.duration < minWindow || terms.duration > MAX_DURATION) {
            revert OCASC_BadDuration(terms.duration, minWindow, MAX_DURATION);
        }
        if (terms.maxChallenges == 0 || terms.maxDemands == 0) {
            revert OCASC_NoQuestions(terms.maxChallenges, terms.maxDemands);
        }
        if (terms.samples > MAX_SAMPLES) revert OCASC_TooManySamples(terms.samples, MAX_SAMPLES);
        uint256 maxPreviews = terms.samples < MAX_PREVIEWS ? terms.samples : MAX_PREVIEWS;
        if (terms.previews > maxPreviews) revert OCASC_TooManyPreviews(terms.previews, maxPreviews);
    }

    /// @dev The consumer asks, before the end, for a block that is for sale.
    function _checkQuestion(bytes32 id, Agreement storage a, uint64 blockIndex) private view {
        Terms storage terms = a.terms;
        _checkCaller(id, a.consumer);
        _checkBefore(id, a.end);
        if (blockIndex < terms.first || blockIndex - terms.first >= terms.count) {
            revert OCASC_BlockNotForSale(id, blockIndex, terms.first, terms.count);
        }
    }

    /// @dev How many blocks, from the first of the range on, are paid for by what is due.
    function _paidBlocks(Agreement storage a) private view returns (uint256) {
        Terms storage terms = a.terms;
        if (terms.price == terms.fee) return terms.count;
        return uint256(terms.count) * (a.due - terms.fee) / (terms.price - terms.fee);
    }

    /// @dev Opens a question, which must be answered in time. What the call brings beyond the stake stays the consumer's.
    function _ask(bytes32 id, Agreement storage a, Question question, uint64 blockIndex, uint32 seed, uint256 stake)
        private
        returns (uint64 deadline)
    {
        if (msg.value < stake) revert OCASC_StakeTooLow(id, msg.value, stake);
        deadline = uint64(block.timestamp) + a.terms.window;
        a.state = State.Challenged;
        a.question = question;
        a.challenge = Challenge(blockIndex, seed, stake.toUint96(), deadline);
        _credit(id, NATIVE, msg.sender, msg.value - stake);
    }

    /// @dev Ends an agreement whose owner has earned `due`.
    function _close(bytes32 id, Agreement storage a) private {
        (uint256 toOwner, uint256 toConsumer) = (uint256(a.due) + a.terms.bond, a.terms.price - a.due);
        a.state = State.Closed;
        emit Closed(id, toOwner, toConsumer);
        _credit(id, a.terms.token, a.owner, toOwner);
        _credit(id, a.terms.token, a.consumer, toConsumer);
    }

    function _challengeStake(uint256 least) private view returns (uint256) {
        uint256 cost = 2 * answerGas * block.basefee;
        return cost > least ? cost : least;
    }

    /// @dev The agreement, which must be in one state.
    function _in(bytes32 id, State state) private view returns (Agreement storage a) {
        a = _agreements[id];
        if (a.state != state) revert OCASC_WrongState(id, a.state);
    }

    /// @dev The agreement, which must have been accepted and not have ended.
    function _accepted(bytes32 id) private view returns (Agreement storage a) {
        a = _agreements[id];
        if (a.state != State.Active && a.state != State.Challenged && a.state != State.Lapsed) {
            revert OCASC_WrongState(id, a.state);
        }
    }

    function _checkCaller(bytes32 id, address allowed) private view {
        if (msg.sender != allowed) revert OCASC_NotAllowed(id, msg.sender, allowed);
    }

    /// @dev The agreement's end must not have come.
    function _checkBefore(bytes32 id, uint64 end) private view {
        if (block.timestamp >= end) revert OCASC_TooLate(id, block.timestamp, uint256(end) - 1);
    }
}
