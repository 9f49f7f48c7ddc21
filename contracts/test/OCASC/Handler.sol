// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { vm } from "../Cheats.sol";
import { OddToken } from "../model/OddToken.sol";
import { OcascModel } from "./OcascTest.sol";

/// @title Owners, consumers and strangers who act at random
/// @dev Keeps a model of every agreement and credit, foretells from it whether a call succeeds, and fails when the contract
/// decides otherwise.
contract Handler is OcascModel {
    uint256 private constant OWNERS = 3;
    uint256 private constant CONSUMERS = 4;
    uint256 private constant MAX_DEALS = 60;
    uint256 private constant RECENT = 8;
    uint256 private constant MAX_BLOCKS = 20;
    uint64 private constant START = 1_800_000_000;

    /// @dev What the model knows of an agreement.
    struct Deal {
        bytes32 id;
        uint256 dataset;
        uint256 consumer;
        IOCASC.Terms terms;
        IOCASC.State state;
        uint64 size;
        uint64 end;
        uint64 graceEnd;
        uint128 due;
        uint16 used;
        uint16 demanded;
        IOCASC.Question question;
        IOCASC.Challenge open;
        uint128 signed;
        uint32 verified;
    }

    /// @dev Derived from their keys once: nine curve multiplications after every step were half of what random play took.
    address private immutable _OWNER_ZERO = vm.addr(_ownerKey(0));
    address private immutable _OWNER_ONE = vm.addr(_ownerKey(1));
    address private immutable _OWNER_TWO = vm.addr(_ownerKey(2));

    Deal[] private _deals;
    Model[OWNERS] private _models;
    Shelf[OWNERS] private _shelves;
    address[3] public tokens;

    mapping(address token => mapping(address account => uint256)) public credits;
    mapping(address token => uint256) public escrow;
    mapping(address token => uint256) public donated;
    address[] private _accounts;

    /// @dev How often each kind of thing happened: a history in which nothing happened shows nothing.
    mapping(IOCASC.State state => uint256) public reached;
    uint256 public answers;
    uint256 public keys;
    uint256 public refusals;
    uint256 public steps;
    uint64 private _now = START;
    uint256 private _nonce;
    mapping(address owner => uint256) private _offers;

    constructor(IDISSC dissc_, IOCASC ocasc_) {
        (dissc, ocasc) = (dissc_, ocasc_);
        vm.warp(START);
        tokens = [address(0), address(new OddToken()), address(new OddToken())];
        for (uint256 i = 0; i < OWNERS; ++i) {
            // The second is plain: it has no content keys
            _open(_models[i], _ownerKey(i), bytes32(i), i == 1 ? 1 : 0, DEVICE_KEY + i);
            // Blocks 2 to 7 among eleven
            _grow(_models[i], 2);
            _shelve(_models[i], _shelves[i], _blocks(_six(1, 1024, 2500, 1025, 77, 3000)));
            _grow(_models[i], 11);
            _accounts.push(_owner(i));
            _accounts.push(vm.addr(DEVICE_KEY + i));
        }
        for (uint256 i = 0; i < CONSUMERS; ++i) {
            _accounts.push(_consumer(i));
            _accounts.push(vm.addr(_signer(i)));
        }
        _accounts.push(STRANGER);
        _accounts.push(AGENT);
        for (uint256 i = 0; i < _accounts.length; ++i) {
            vm.deal(_accounts[i], 1e30);
            for (uint256 j = 1; j < 3; ++j) {
                OddToken(tokens[j]).mint(_accounts[i], 1e30);
                vm.prank(_accounts[i]);
                OddToken(tokens[j]).approve(address(ocasc), type(uint256).max);
            }
        }
    }

    modifier step() {
        ++steps;
        // Time is the handler's: forge may forget what was set in an earlier call
        vm.warp(_now);
        _;
    }

    // ------------------------------------------------------------------------------------------------- the world around

    /// @dev Time passes; who is honest does before what cannot wait.
    function passTime(uint256 seed) public step {
        uint256[4] memory spans = [uint256(1), 20, 100, 800];
        _advance(1 + seed % spans[_roll(seed, 1) % 4]);
    }

    /// @dev Half of the honest answers come before the deadline, the others when the grace is about to end.
    function _advance(uint256 seconds_) private {
        uint64 then = _now + uint64(seconds_);
        for (uint256 i = 0; i < _deals.length; ++i) {
            Deal storage deal = _deals[i];
            if (!_isHonestOwner(deal)) continue;
            bool isDue = deal.state == IOCASC.State.Challenged && then > deal.open.deadline && i % 2 == 0;
            if (isDue || (deal.state == IOCASC.State.Lapsed && then > deal.graceEnd)) {
                _answerHonestly(deal, _owner(deal.dataset));
            }
            if (_isLive(deal) && then >= deal.end + deal.terms.window) _claimAll(deal);
        }
        _now = then;
        vm.warp(then);
    }

    function growLog(uint256 dataset) public step {
        Model storage model = _models[dataset % OWNERS];
        if (model.leaves.length < MAX_BLOCKS) _grow(model, model.leaves.length + 1);
    }

    function changeDevice(uint256 dataset, uint256 key) public step {
        Model storage model = _models[dataset % OWNERS];
        _replaceDevice(model, 0xD00 + key % 5, model.serial + 1);
    }

    function changeBaseFee(uint256 seed) public step {
        uint256[4] memory fees = [uint256(0), 1, 1 gwei, 500 gwei];
        vm.fee(fees[seed % 4]);
    }

    function donate(uint256 seed) public step {
        address token = tokens[seed % 3];
        uint256 amount = 1 + _roll(seed, 1) % 1e9;
        donated[token] += amount;
        if (token == address(0)) vm.deal(address(ocasc), address(ocasc).balance + amount);
        else OddToken(token).mint(address(ocasc), amount);
    }

    // ------------------------------------------------------------------------------------------------------- agreements

    function offer(uint256 seed) public step {
        if (_deals.length == MAX_DEALS || _roll(seed, 5) % 2 == 0) return;
        uint256 dataset = seed % OWNERS;
        IOCASC.Terms memory terms = _drawTerms(dataset, _roll(seed, 1));
        address caller = _roll(seed, 2) % 8 == 0 ? _account(_roll(seed, 3)) : _owner(dataset);
        bool wrongValue = _roll(seed, 4) % 16 == 0;
        uint256 value = (terms.token == address(0) ? terms.bond : 0) + (wrongValue ? 1 : 0);
        bool expected = caller == _owner(dataset) && !wrongValue && terms.fee <= terms.price && terms.fee <= terms.bond
            && terms.window >= MIN_WINDOW && terms.window <= 30 days && terms.duration >= MIN_WINDOW
            && terms.duration <= 1825 days && terms.samples <= 4096 && terms.count > 0 && terms.previews <= 8
            && terms.previews <= terms.samples && terms.maxChallenges > 0 && terms.maxDemands > 0
            && uint256(terms.first) + terms.count <= _models[dataset].leaves.length;
        Model storage model = _models[dataset];
        bytes memory data = abi.encodeCall(IOCASC.offer, (model.name, model.kind, terms, AGENT, OWNER_KEY));
        _call(caller, value, data, expected);
        if (!expected) return;

        Deal storage deal = _deals.push();
        IDISSC.Head memory head = _headOf(dataset);
        deal.id = keccak256(_preimage(caller, _offers[caller]++, terms, head));
        (deal.dataset, deal.terms, deal.size) = (dataset, terms, head.size);
        escrow[terms.token] += terms.bond;
        _reach(deal, IOCASC.State.Offered);
    }

    function _preimage(address caller, uint256 nonce, IOCASC.Terms memory terms, IDISSC.Head memory head)
        private
        view
        returns (bytes memory)
    {
        return abi.encode(block.chainid, address(ocasc), caller, nonce, terms, head.root, head.size, AGENT, OWNER_KEY);
    }

    function cancel(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Offered);
        if (!some) return;
        address caller = _callerOr(seed, _owner(deal.dataset), 4);
        bool expected = deal.state == IOCASC.State.Offered && caller == _owner(deal.dataset);
        _call(caller, 0, abi.encodeCall(IOCASC.cancel, (deal.id)), expected);
        if (!expected) return;
        _release(deal.terms.token, _owner(deal.dataset), deal.terms.bond);
        _reach(deal, IOCASC.State.Cancelled);
    }

    function accept(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Offered);
        if (!some) return;
        uint256 consumer = _roll(seed, 1) % CONSUMERS;
        IOCASC.Terms memory terms = deal.terms;
        bool wrongValue = _roll(seed, 2) % 16 == 0;
        uint256 value = (terms.token == address(0) ? terms.price : 0) + (wrongValue ? 1 : 0);
        bool expected = deal.state == IOCASC.State.Offered && !wrongValue && _now <= terms.acceptBy
            && (terms.consumer == address(0) || terms.consumer == _consumer(consumer));
        bytes memory data = abi.encodeCall(IOCASC.accept, (deal.id, vm.addr(_signer(consumer)), CONSUMER_KEY));
        _call(_consumer(consumer), value, data, expected);
        if (!expected) return;
        (deal.consumer, deal.end, deal.due) = (consumer, _now + terms.duration, terms.fee);
        escrow[terms.token] += terms.price;
        _reach(deal, IOCASC.State.Active);
    }

    /// @dev A block is delivered and verified, and a consumer signs for it; a hostile one signs whatever it likes.
    function sign(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Active);
        // Delivery ends with the agreement, and so does what an owner gives for a voucher
        if (!some || !_isLive(deal) || _now >= deal.end) return;
        if (_isHonestConsumer(deal)) {
            if (deal.verified < deal.terms.count) ++deal.verified;
            deal.signed = _owed(deal);
        } else {
            uint128 due = uint128(_roll(seed, 1) % (uint256(deal.terms.price) + 1));
            if (due > deal.signed) deal.signed = due;
        }
    }

    function claim(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Active);
        if (!some) return;
        uint256 kind = _roll(seed, 1) % 4;
        uint256 key = _signer(deal.consumer);
        uint128 due = deal.signed;
        bytes32 id = deal.id;
        if (kind == 1) key = uint256(keccak256(abi.encode(seed))) >> 8 | 1; // somebody else's signature
        if (kind == 2) due = uint128(_roll(seed, 2) % (2 * uint256(deal.terms.price) + 2)); // more than was signed
        if (kind == 3) id = _deals[_roll(seed, 3) % _deals.length].id; // another agreement's voucher
        bytes memory signature = _voucher(key, id, kind == 2 ? deal.signed : due);
        bool valid = kind == 0 || (kind == 2 && due == deal.signed) || (kind == 3 && id == deal.id);
        _claim(deal, _account(_roll(seed, 4)), due, signature, valid);
    }

    function _claim(Deal storage deal, address caller, uint128 due, bytes memory signature, bool valid) private {
        bool expected = _isLive(deal) && valid && due > deal.due && due <= deal.terms.price;
        _call(caller, 0, abi.encodeCall(IOCASC.claim, (deal.id, due, signature)), expected);
        if (expected) deal.due = due;
        _compare(deal);
    }

    function challenge(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Active);
        if (!some) return;
        uint256 cost = 2 * ANSWER_GAS * block.basefee;
        uint256 stake = cost > deal.terms.stake ? cost : deal.terms.stake;
        uint256 value = stake;
        if (_roll(seed, 1) % 8 == 0) value = stake == 0 ? 0 : stake - 1;
        if (_roll(seed, 1) % 8 == 1) value = stake + 5;
        uint64 blockIndex = deal.terms.first + uint64(_roll(seed, 2) % deal.terms.count);
        if (_roll(seed, 4) % 8 == 0) blockIndex = uint64(_roll(seed, 2) % 9);
        address caller = _callerOr(seed, _consumer(deal.consumer), 8);
        bool expected = deal.state == IOCASC.State.Active && caller == _consumer(deal.consumer) && _now < deal.end
            && blockIndex >= deal.terms.first && blockIndex < deal.terms.first + deal.terms.count
            && deal.used < deal.terms.maxChallenges && value >= stake;
        // uint32 of anything: the seed is the consumer's to choose
        uint32 chunkSeed = uint32(_roll(seed, 3));
        _call(caller, value, abi.encodeCall(IOCASC.challenge, (deal.id, blockIndex, chunkSeed)), expected);
        if (!expected) return;
        ++deal.used;
        deal.question = IOCASC.Question.Chunk;
        deal.open = IOCASC.Challenge(blockIndex, chunkSeed, uint96(stake), _now + deal.terms.window);
        escrow[address(0)] += stake;
        credits[address(0)][caller] += value - stake;
        _reach(deal, IOCASC.State.Challenged);
    }

    function demandKey(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Active);
        if (!some) return;
        uint256 stake = DEMAND_GAS * block.basefee;
        uint256 value = _roll(seed, 1) % 8 == 0 && stake > 0 ? stake - 1 : stake + _roll(seed, 1) % 3;
        uint64 blockIndex = deal.terms.first + uint64(_roll(seed, 2) % deal.terms.count);
        if (_roll(seed, 3) % 2 == 0) blockIndex = deal.terms.first;
        if (_roll(seed, 4) % 8 == 0) blockIndex = uint64(_roll(seed, 2) % 9);
        address caller = _callerOr(seed, _consumer(deal.consumer), 8);
        bool expected = deal.state == IOCASC.State.Active && caller == _consumer(deal.consumer) && _now < deal.end
            && blockIndex >= deal.terms.first && blockIndex < deal.terms.first + deal.terms.count
            && _isPaid(deal, blockIndex - deal.terms.first) && deal.dataset != 1
            && deal.demanded < deal.terms.maxDemands && value >= stake;
        _call(caller, value, abi.encodeCall(IOCASC.demandKey, (deal.id, blockIndex)), expected);
        if (!expected) return;
        ++deal.demanded;
        deal.question = IOCASC.Question.Key;
        deal.open = IOCASC.Challenge(blockIndex, 0, uint96(stake), _now + deal.terms.window);
        escrow[address(0)] += stake;
        credits[address(0)][caller] += value - stake;
        _reach(deal, IOCASC.State.Challenged);
    }

    /// @dev Whether block number `place` of the range and those before it cost no more than what is due beyond the fee.
    function _isPaid(Deal storage deal, uint256 place) private view returns (bool) {
        uint256 costs = (place + 1) * (deal.terms.price - deal.terms.fee);
        return costs <= (deal.due - deal.terms.fee) * uint256(deal.terms.count);
    }

    /// @dev Anyone answers; only right answers count.
    function respond(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Challenged);
        if (!some) return;
        address caller = _account(_roll(seed, 1));
        bool isOpen = deal.state == IOCASC.State.Challenged || deal.state == IOCASC.State.Lapsed;
        if (isOpen && _roll(seed, 2) % 3 == 0 && deal.dataset != 2) {
            if (deal.state == IOCASC.State.Challenged || _now <= deal.graceEnd) _answerHonestly(deal, caller);
            return;
        }
        if (!isOpen) {
            IOCASC.Answer memory unasked = _honest(deal, IOCASC.Question.Chunk, IOCASC.Challenge(2, 0, 0, 0));
            _call(caller, 0, abi.encodeCall(IOCASC.respond, (deal.id, unasked)), false);
            return;
        }
        IOCASC.Answer memory answer = _honest(deal, deal.question, deal.open);
        _spoil(answer, deal.question, _roll(seed, 3));
        _call(caller, 0, abi.encodeCall(IOCASC.respond, (deal.id, answer)), false);
        _compare(deal);
    }

    function _answerHonestly(Deal storage deal, address caller) private {
        IOCASC.Answer memory answer = _honest(deal, deal.question, deal.open);
        _call(caller, 0, abi.encodeCall(IOCASC.respond, (deal.id, answer)), true);
        if (deal.question == IOCASC.Question.Key) ++keys;
        ++answers;
        _release(address(0), _owner(deal.dataset), deal.open.stake);
        _forgetQuestion(deal);
        _reach(deal, IOCASC.State.Active);
    }

    function _forgetQuestion(Deal storage deal) private {
        delete deal.open;
        (deal.question, deal.graceEnd) = (IOCASC.Question.None, 0);
    }

    function lapse(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Challenged);
        if (!some) return;
        // Mostly when it may be right
        bool isOpen = deal.state == IOCASC.State.Challenged;
        if (isOpen && _now <= deal.open.deadline && _roll(seed, 2) % 4 > 0) _advance(deal.open.deadline + 1 - _now);
        _lapse(deal, _account(_roll(seed, 1)));
    }

    function _lapse(Deal storage deal, address caller) private {
        bool expected = deal.state == IOCASC.State.Challenged && _now > deal.open.deadline;
        _call(caller, 0, abi.encodeCall(IOCASC.lapse, (deal.id)), expected);
        if (!expected) return;
        deal.graceEnd = _now + deal.terms.window / 4;
        _reach(deal, IOCASC.State.Lapsed);
    }

    function breach(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Lapsed);
        if (!some) return;
        bool isOpen = deal.state == IOCASC.State.Lapsed && !_isHonestOwner(deal);
        if (isOpen && _now <= deal.graceEnd && _roll(seed, 2) % 4 > 0) _advance(deal.graceEnd + 1 - _now);
        _breach(deal, _account(_roll(seed, 1)));
    }

    function _breach(Deal storage deal, address caller) private {
        bool expected = deal.state == IOCASC.State.Lapsed && _now > deal.graceEnd;
        _call(caller, 0, abi.encodeCall(IOCASC.breach, (deal.id)), expected);
        if (!expected) return;
        require(!_isHonestOwner(deal), "an honest owner was breached");
        _release(deal.terms.token, _owner(deal.dataset), deal.due);
        _release(deal.terms.token, _consumer(deal.consumer), deal.terms.price - deal.due);
        _release(deal.terms.token, _consumer(deal.consumer), deal.terms.bond);
        _release(address(0), _consumer(deal.consumer), deal.open.stake);
        _forgetQuestion(deal);
        _reach(deal, IOCASC.State.Breached);
    }

    function approve(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Active);
        if (!some || _roll(seed, 1) % 6 > 0) return;
        address caller = _callerOr(seed, _consumer(deal.consumer), 4);
        bool own = caller == _consumer(deal.consumer);
        // Who is honest pays for what was verified
        if (own && _isLive(deal) && _isHonestConsumer(deal) && deal.verified < deal.terms.count) return;
        bool expected = deal.state == IOCASC.State.Active && own;
        _call(caller, 0, abi.encodeCall(IOCASC.approve, (deal.id)), expected);
        if (!expected) return;
        deal.due = deal.terms.price;
        _settle(deal);
    }

    function quit(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Active);
        if (!some || _roll(seed, 1) % 8 > 0) return;
        address caller = _callerOr(seed, _consumer(deal.consumer), 4);
        bool expected =
            _isLive(deal) && deal.state != IOCASC.State.Lapsed && caller == _consumer(deal.consumer) && _now < deal.end;
        _call(caller, 0, abi.encodeCall(IOCASC.quit, (deal.id)), expected);
        if (expected) deal.end = _now;
        _compare(deal);
    }

    function close(uint256 seed) public step {
        (bool some, Deal storage deal) = _pick(seed, IOCASC.State.Active);
        if (!some) return;
        address caller = _callerOr(seed, _owner(deal.dataset), 2);
        // Who is honest is no fool
        if (caller == _owner(deal.dataset) && _isHonestOwner(deal) && _isLive(deal)) _claimAll(deal);
        _close(deal, caller);
    }

    function _close(Deal storage deal, address caller) private {
        uint256 from = caller == _owner(deal.dataset) ? deal.end : deal.end + deal.terms.window;
        bool expected = deal.state == IOCASC.State.Active && _now >= from;
        _call(caller, 0, abi.encodeCall(IOCASC.close, (deal.id)), expected);
        if (expected) _settle(deal);
    }

    function withdraw(uint256 seed) public step {
        _withdraw(tokens[seed % 3], _account(_roll(seed, 1)));
    }

    function _withdraw(address token, address account) private {
        uint256 amount = credits[token][account];
        uint256 before = _balance(token, account);
        uint256 part = amount > 1 && _now % 2 == 0 ? amount / 2 : 0;
        if (part > 0) _call(account, 0, abi.encodeCall(IOCASC.withdrawPart, (token, account, part)), true);
        _call(account, 0, abi.encodeCall(IOCASC.withdrawPart, (token, account, amount - part + 1)), false);
        _call(account, 0, abi.encodeCall(IOCASC.withdraw, (token, account)), amount > 0);
        credits[token][account] = 0;
        require(_balance(token, account) == before + amount, "what was credited was paid");
    }

    // ------------------------------------------------------------------------------------------------------ at the end

    /// @dev The honest do what is theirs to do; then time passes, and a stranger ends all that was accepted.
    function endEverything() external {
        vm.warp(_now);
        uint256 last = _now;
        for (uint256 i = 0; i < _deals.length; ++i) {
            Deal storage deal = _deals[i];
            if (!_isLive(deal)) continue;
            if (deal.end + deal.terms.window > last) last = deal.end + deal.terms.window;
            if (deal.open.deadline > last) last = deal.open.deadline;
        }
        _advance(last + 1 - _now);
        for (uint256 i = 0; i < _deals.length; ++i) {
            if (_deals[i].state == IOCASC.State.Challenged) _lapse(_deals[i], STRANGER);
            if (_deals[i].graceEnd > last) last = _deals[i].graceEnd;
        }
        if (last >= _now) _advance(last + 1 - _now);
        for (uint256 i = 0; i < _deals.length; ++i) {
            Deal storage deal = _deals[i];
            if (deal.state == IOCASC.State.Lapsed) _breach(deal, STRANGER);
            if (deal.state == IOCASC.State.Active) _close(deal, STRANGER);
            if (deal.state == IOCASC.State.Offered) {
                _call(_owner(deal.dataset), 0, abi.encodeCall(IOCASC.cancel, (deal.id)), true);
                _release(deal.terms.token, _owner(deal.dataset), deal.terms.bond);
                _reach(deal, IOCASC.State.Cancelled);
            }
        }
        for (uint256 i = 0; i < _accounts.length; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                _withdraw(tokens[j], _accounts[i]);
            }
        }
    }

    // ----------------------------------------------------------------------------------------------------------- views

    /// @dev The balance of each token that the model expects, given that the credits are those that it expects: checked here
    /// for owners and consumers. If anyone else had one, the balance would not do.
    function checkCredits() external view returns (uint256[3] memory expected) {
        for (uint256 i = 0; i < 3; ++i) {
            address token = tokens[i];
            expected[i] = escrow[token] + donated[token];
            for (uint256 j = 0; j < OWNERS + CONSUMERS; ++j) {
                address account = j < OWNERS ? _owner(j) : _consumer(j - OWNERS);
                uint256 credit = ocasc.credit(token, account);
                require(credit == credits[token][account], "credit");
                expected[i] += credit;
            }
            if (token != address(0)) require(ocasc.owed(token) == expected[i] - donated[token], "owed");
        }
    }

    /// @dev Who must never have a credit: all but owners and consumers.
    function strangers() external pure returns (address[] memory list) {
        list = new address[](2 + OWNERS + CONSUMERS);
        (list[0], list[1]) = (STRANGER, AGENT);
        for (uint256 i = 0; i < OWNERS; ++i) {
            list[2 + i] = vm.addr(DEVICE_KEY + i);
        }
        for (uint256 i = 0; i < CONSUMERS; ++i) {
            list[2 + OWNERS + i] = vm.addr(_signer(i));
        }
    }

    // ----------------------------------------------------------------------------------------------------------- model

    /// @dev The call, with its outcome foretold.
    function _call(address caller, uint256 value, bytes memory data, bool expected) private {
        vm.prank(caller);
        (bool ok,) = address(ocasc).call{ value: value }(data);
        if (!ok) ++refusals;
        require(ok == expected, expected ? "what is right was refused" : "what is wrong was done");
    }

    function _reach(Deal storage deal, IOCASC.State state) private {
        deal.state = state;
        ++reached[state];
        _compare(deal);
    }

    /// @dev Out of escrow into a credit.
    function _release(address token, address account, uint256 amount) private {
        escrow[token] -= amount;
        credits[token][account] += amount;
    }

    /// @dev Closed: what is due, and the bond, to the owner; the rest to the consumer.
    function _settle(Deal storage deal) private {
        if (_isHonestOwner(deal)) require(deal.due >= deal.signed, "an honest owner gets every signed voucher");
        _release(deal.terms.token, _owner(deal.dataset), deal.due);
        _release(deal.terms.token, _owner(deal.dataset), deal.terms.bond);
        _release(deal.terms.token, _consumer(deal.consumer), deal.terms.price - deal.due);
        _reach(deal, IOCASC.State.Closed);
    }

    function _claimAll(Deal storage deal) private {
        if (deal.signed <= deal.due) return;
        bytes memory voucher = _voucher(_signer(deal.consumer), deal.id, deal.signed);
        _claim(deal, _owner(deal.dataset), deal.signed, voucher, true);
    }

    /// @dev The contract's idea of the agreement is the model's.
    function _compare(Deal storage deal) private view {
        IOCASC.Agreement memory seen = ocasc.agreement(deal.id);
        require(seen.state == deal.state, "state");
        require(seen.due == deal.due && seen.end == deal.end && seen.challenges == deal.used, "due, end, challenges");
        require(seen.demands == deal.demanded && seen.question == deal.question, "demands, question");
        require(seen.graceEnd == deal.graceEnd, "grace");
        require(seen.owner == _owner(deal.dataset) && seen.size == deal.size, "owner, size");
        require(keccak256(abi.encode(seen.challenge)) == keccak256(abi.encode(deal.open)), "challenge");
        require(keccak256(abi.encode(seen.terms)) == keccak256(abi.encode(deal.terms)), "terms");
        if (deal.state >= IOCASC.State.Active) {
            require(seen.consumer == _consumer(deal.consumer), "consumer");
            if (_isHonestConsumer(deal)) {
                require(deal.due <= _owed(deal), "an honest consumer owes for verified blocks");
            }
        }
    }

    /// @dev The fee and the price of the blocks verified, rounded up.
    function _owed(Deal storage deal) private view returns (uint128) {
        uint256 part = uint256(deal.terms.price - deal.terms.fee) * deal.verified;
        return deal.terms.fee + uint128((part + deal.terms.count - 1) / deal.terms.count);
    }

    function _isLive(Deal storage deal) private view returns (bool) {
        return
            deal.state == IOCASC.State.Active || deal.state == IOCASC.State.Challenged
                || deal.state == IOCASC.State.Lapsed;
    }

    /// @dev Owner 2 never answers.
    function _isHonestOwner(Deal storage deal) private view returns (bool) {
        return deal.dataset != 2;
    }

    function _isHonestConsumer(Deal storage deal) private view returns (bool) {
        return deal.consumer < 2;
    }

    // --------------------------------------------------------------------------------------------------------- answers

    function _honest(Deal storage deal, IOCASC.Question question, IOCASC.Challenge memory open)
        private
        view
        returns (IOCASC.Answer memory)
    {
        (Model storage model, Shelf storage shelf) = (_models[deal.dataset], _shelves[deal.dataset]);
        return question == IOCASC.Question.Key
            ? _keyAnswer(model, shelf, open.blockIndex, deal.size)
            : _answer(model, shelf, open.blockIndex, open.seed, deal.size);
    }

    /// @dev One thing about an answer is made wrong.
    function _spoil(IOCASC.Answer memory answer, IOCASC.Question question, uint256 dice) private pure {
        uint256 kind = dice % (question == IOCASC.Question.Key ? 6 : 10);
        bytes32 bit = bytes32(1 << (_roll(dice, 1) % 256));
        if (kind == 0) answer.key ^= bit;
        if (kind == 1) answer.path[_roll(dice, 2) % answer.path.length] ^= bit;
        if (kind == 2) answer.path = new bytes32[](answer.path.length + 1);
        if (kind == 3) answer.sealedDigest ^= bit;
        if (kind == 4) answer.commitment ^= bit;
        if (kind == 5) answer.contentCommitment ^= bit;
        if (kind == 6) answer.chunk[_roll(dice, 2) % answer.chunk.length] ^= bytes1(uint8(1 << (dice % 8)));
        if (kind == 7) answer.chunk = bytes.concat(answer.chunk, hex"00");
        if (kind == 8) answer.metaHash ^= bit;
        if (kind == 9) answer.size += 1;
    }

    // ------------------------------------------------------------------------------------------------------------ dice

    /// @dev Blocks 2 to 7 have bytes; now and then terms are impossible.
    function _drawTerms(uint256 dataset, uint256 seed) private view returns (IOCASC.Terms memory terms) {
        terms.dataset = _models[dataset].dataset;
        terms.first = uint64(2 + _roll(seed, 1) % 3);
        terms.count = uint32(1 + _roll(seed, 2) % (8 - terms.first));
        terms.token = tokens[_roll(seed, 3) % 3];
        terms.price = uint128(_roll(seed, 4) % 1e6);
        terms.bond = uint128(_roll(seed, 5) % 1e6);
        uint256 least = terms.price < terms.bond ? terms.price : terms.bond;
        terms.fee = uint128(_roll(seed, 6) % (least + 1));
        terms.stake = uint96(_roll(seed, 7) % 1e4);
        terms.maxChallenges = uint16(1 + _roll(seed, 8) % 8);
        terms.maxDemands = uint16(1 + _roll(seed, 17) % 8);
        terms.samples = uint32(_roll(seed, 9) % 4097);
        terms.previews = uint8(terms.samples < 8 ? terms.samples : _roll(seed, 18) % 9);
        terms.window = uint32(MIN_WINDOW + _roll(seed, 10) % 300);
        terms.duration = uint32(MIN_WINDOW + _roll(seed, 11) % 10_000);
        terms.acceptBy = _now + uint64(_roll(seed, 12) % 1000);
        if (_roll(seed, 13) % 4 == 0) terms.consumer = _consumer(_roll(seed, 14) % CONSUMERS);
        if (_roll(seed, 15) % 8 > 0) return terms;
        uint256 kind = _roll(seed, 16) % 10;
        if (kind == 0) terms.fee = uint128(least + 1);
        if (kind == 1) terms.window = MIN_WINDOW - 1;
        if (kind == 2) terms.window = 30 days + 1;
        if (kind == 3) terms.duration = 1825 days + 1;
        if (kind == 4) terms.samples = 4097;
        if (kind == 5) terms.count = uint32(_models[dataset].leaves.length);
        if (kind == 6) terms.duration = MIN_WINDOW - 1;
        if (kind == 7) terms.maxChallenges = 0;
        if (kind == 8) terms.maxDemands = 0;
        if (kind == 9) terms.previews = 9;
    }

    /// @dev One of the latest agreements, most often one in the wanted state. (Active stands for Challenged, too, a bit.)
    function _pick(uint256 seed, IOCASC.State wanted) private view returns (bool some, Deal storage deal) {
        uint256 n = _deals.length;
        // Solidity wants a pointer even when there is nothing to point at
        deal = _deals.length == 0 ? _nothing() : _deals[0];
        if (n == 0) return (false, deal);
        uint256 recent = n < RECENT ? n : RECENT;
        uint256 start = _roll(seed, 50) % recent;
        deal = _deals[n - 1 - start];
        if (_roll(seed, 51) % 8 == 0) return (true, deal);
        for (uint256 i = 0; i < recent; ++i) {
            Deal storage candidate = _deals[n - 1 - (start + i) % recent];
            if (candidate.state == wanted) return (true, candidate);
        }
        return (true, deal);
    }

    function _nothing() private pure returns (Deal storage deal) {
        assembly ("memory-safe") {
            deal.slot := not(0)
        }
    }

    function _callerOr(uint256 seed, address right, uint256 oneIn) private view returns (address) {
        return _roll(seed, 60) % oneIn == 0 ? _account(_roll(seed, 61)) : right;
    }

    function _account(uint256 seed) private view returns (address) {
        return _accounts[seed % _accounts.length];
    }

    function _headOf(uint256 dataset) private view returns (IDISSC.Head memory head) {
        (head.size, head.root) = dissc.head(_models[dataset].dataset);
    }

    function _balance(address token, address account) private view returns (uint256) {
        return token == address(0) ? account.balance : OddToken(token).balanceOf(account);
    }

    function _six(uint256 one, uint256 two, uint256 three, uint256 four, uint256 five, uint256 six)
        private
        pure
        returns (uint256[] memory sizes)
    {
        sizes = new uint256[](6);
        (sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]) = (one, two, three, four, five, six);
    }

    function _ownerKey(uint256 i) private pure returns (uint256) {
        return 0xA11CE0 + i;
    }

    function _owner(uint256 i) private view returns (address) {
        return i == 0 ? _OWNER_ZERO : i == 1 ? _OWNER_ONE : _OWNER_TWO;
    }

    function _consumer(uint256 i) private pure returns (address) {
        return address(uint160(0xC0FFEE0 + i));
    }

    function _signer(uint256 i) private pure returns (uint256) {
        return 0x5160 + i;
    }

    function _roll(uint256 seed, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("roll", seed, i)));
    }
}
