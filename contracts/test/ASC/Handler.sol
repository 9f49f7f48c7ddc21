// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IASC } from "../../src/interfaces/IASC.sol";
import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { vm } from "../Cheats.sol";
import { DisscModel } from "../model/DisscTest.sol";
import { NaiveTree } from "../model/NaiveTree.sol";

/// @title Owners, storage services and strangers who act at random
/// @dev Keeps a model of every grant and credit, foretells from it what each call and each update leads to, and fails when the
/// contract decides otherwise.
contract AscHandler is DisscModel {
    uint256 private constant DATASETS = 3;
    uint256 private constant MAX_GRANTS = 40;
    uint256 private constant RECENT = 8;
    uint256 private constant MAX_LEAVES = 120;
    uint256 private constant FORGER_KEY = 0xBAD;
    address private constant STRANGER = address(0xBAD);

    /// @dev What the model knows of a grant.
    struct Known {
        bytes32 id;
        IASC.Terms terms;
        uint256 dataset;
        IASC.State state;
        uint64 end;
        bool revoked;
        uint256 fuel;
        uint64 paidAt;
    }

    /// @dev Derived from their keys once: a curve multiplication a question would be half of what random play takes.
    address private immutable _OWNER_ONE = vm.addr(0xA1);
    address private immutable _OWNER_TWO = vm.addr(0xA2);

    IASC private _asc;
    Known[] private _grants;
    Model[DATASETS] private _models;
    /// @dev Of the model's leaves. What a head must be changes with them alone; heads are compared after every step.
    bytes32[DATASETS] private _roots;
    mapping(address owner => uint256) private _proposed;
    uint64 private _now = 1_800_000_000;

    mapping(address account => uint256) public credits;
    uint256 public fuel;
    uint256 public donated;

    /// @dev What DISSC has recorded by way of the contract, at each grant's price; and what was paid for it.
    uint256 public recordedPrice;
    uint256 public paid;

    mapping(IASC.State state => uint256) public reached;
    mapping(bytes4 reason => uint256) public reasons;

    constructor(IDISSC dissc_, IASC asc_) {
        (dissc, _asc) = (dissc_, asc_);
        vm.warp(_now);
        for (uint256 i = 0; i < DATASETS; ++i) {
            _open(_models[i], _ownerKey(i), bytes32(i), uint8(i), 0xD0 + i);
            _roots[i] = NaiveTree.root(_models[i].leaves);
        }
        for (uint256 i = 0; i < 5; ++i) {
            vm.deal(account(i), 1e30);
        }
    }

    function _ownerKey(uint256 dataset) private pure returns (uint256) {
        return 0xA1 + dataset % 2;
    }

    modifier step() {
        vm.warp(_now);
        _;
    }

    function passTime(uint256 seed) public step {
        uint256[3] memory spans = [uint256(2), 100, 1000];
        _now += uint64(1 + seed % spans[_roll(seed, 1) % 3]);
        vm.warp(_now);
    }

    function donate(uint256 seed) public step {
        uint256 amount = 1 + seed % 1e9;
        donated += amount;
        vm.deal(address(_asc), address(_asc).balance + amount);
    }

    function authorise(uint256 seed) public step {
        if (_grants.length == MAX_GRANTS) return;
        uint256 dataset = seed % DATASETS;
        IASC.Terms memory terms;
        terms.dataset = _models[dataset].dataset;
        terms.css = account(2 + _roll(seed, 1) % 2);
        (terms.first, terms.count) = (uint64(_roll(seed, 2) % 10), uint64(1 + _roll(seed, 3) % 1e6));
        terms.kinds = uint8(_roll(seed, 4) % 4);
        terms.perRecord = uint96(_roll(seed, 5) % 1000);
        terms.interval = uint32(_roll(seed, 8) % 3 * (_roll(seed, 9) % 100));
        terms.window = uint32(_roll(seed, 6) % 500);
        terms.until = _now + uint64(_roll(seed, 7) % 4000);
        address caller = _or(seed, _owner(dataset), 8);
        bool expected = caller == _owner(dataset) && terms.kinds > 0 && terms.until > _now;
        bytes memory data = abi.encodeCall(IASC.authorise, (bytes32(dataset), uint8(dataset), terms));
        _call(caller, 0, data, expected);
        if (!expected) return;
        Known storage known = _grants.push();
        known.id = keccak256(abi.encode(block.chainid, address(_asc), caller, _proposed[caller]++, terms));
        (known.terms, known.dataset, known.end) = (terms, dataset, terms.until);
        _reach(known, IASC.State.Proposed);
    }

    function drop(uint256 seed) public step {
        if (_grants.length == 0 || _roll(seed, 1) % 4 > 0) return;
        Known storage known = _pick(seed, IASC.State.Proposed);
        address caller = _or(seed, _owner(known.dataset), 3);
        bool expected = known.state == IASC.State.Proposed && caller == _owner(known.dataset);
        _call(caller, 0, abi.encodeCall(IASC.drop, (known.id)), expected);
        if (expected) _reach(known, IASC.State.Ended);
    }

    function accept(uint256 seed) public step {
        if (_grants.length == 0) return;
        Known storage known = _pick(seed, IASC.State.Proposed);
        address caller = _or(seed, known.terms.css, 6);
        bool expected = known.state == IASC.State.Proposed && caller == known.terms.css && _now < known.end;
        _call(caller, 0, abi.encodeCall(IASC.accept, (known.id)), expected);
        if (expected) _reach(known, IASC.State.Accepted);
    }

    function fund(uint256 seed) public step {
        if (_grants.length == 0) return;
        Known storage known = _pick(seed, IASC.State.Accepted);
        uint256 amount = _roll(seed, 1) % 5000;
        bool expected = known.state == IASC.State.Accepted && _now < known.end && amount > 0;
        _call(account(_roll(seed, 2)), amount, abi.encodeCall(IASC.fund, (known.id)), expected);
        if (!expected) return;
        known.fuel += amount;
        fuel += amount;
        _compare(known);
    }

    function revoke(uint256 seed) public step {
        if (_grants.length == 0 || _roll(seed, 1) % 3 > 0) return;
        Known storage known = _pick(seed, IASC.State.Accepted);
        address caller = account(_roll(seed, 2));
        bool expected =
            known.state == IASC.State.Accepted && (caller == known.terms.css || caller == _owner(known.dataset));
        _call(caller, 0, abi.encodeCall(IASC.revoke, (known.id)), expected);
        if (!expected) return;
        if (_now + known.terms.window < known.end) known.end = _now + known.terms.window;
        known.revoked = true;
        _compare(known);
    }

    function end(uint256 seed) public step {
        if (_grants.length == 0) return;
        _end(_pick(seed, IASC.State.Accepted), account(_roll(seed, 1)));
    }

    function _end(Known storage known, address caller) private {
        bool going = known.state == IASC.State.Proposed || known.state == IASC.State.Accepted;
        bool expected = going && _now >= known.end;
        _call(caller, 0, abi.encodeCall(IASC.end, (known.id)), expected);
        if (!expected) return;
        fuel -= known.fuel;
        credits[_owner(known.dataset)] += known.fuel;
        known.fuel = 0;
        _reach(known, IASC.State.Ended);
    }

    function withdraw(uint256 seed) public step {
        _withdraw(account(seed));
    }

    function _withdraw(address who) private {
        uint256 before = who.balance;
        _call(who, 0, abi.encodeCall(IASC.withdraw, (who)), credits[who] > 0);
        require(who.balance == before + credits[who], "what was credited was paid");
        credits[who] = 0;
    }

    // ----------------------------------------------------------------------------------------------------------- relay

    /// @dev Up to four updates, of whom some are forged, replayed or sent to another grant.
    function relay(uint256 seed) public step {
        if (_grants.length == 0) return;
        uint256 n = 1 + _roll(seed, 1) % 4;
        bytes32[] memory ids = new bytes32[](n);
        IDISSC.Update[] memory updates = new IDISSC.Update[](n);
        bytes4[] memory expected = new bytes4[](n);
        uint256[] memory held = new uint256[](_grants.length);
        uint64[] memory before_ = new uint64[](_grants.length);
        for (uint256 i = 0; i < before_.length; ++i) {
            before_[i] = _grants[i].paidAt;
        }
        for (uint256 i = 0; i < n; ++i) {
            uint256 index = _pickIndex(_roll(seed, 10 + i), IASC.State.Accepted);
            ids[i] = _grants[index].id;
            (updates[i], expected[i]) = _plan(index, _roll(seed, 20 + i), held, before_);
        }
        uint256 before = _earned();
        vm.prank(account(_roll(seed, 2)));
        bytes4[] memory seen = _asc.relay(ids, new IDISSC.Charter[](0), updates);
        paid += _earned() - before;
        require(seen.length == n, "a reason for each update");
        for (uint256 i = 0; i < n; ++i) {
            require(seen[i] == expected[i], "the reason");
            ++reasons[seen[i]];
        }
        // What was set aside for refused updates is back, and where none was accepted no interval has begun
        for (uint256 i = 0; i < _grants.length; ++i) {
            _grants[i].fuel += held[i];
            _grants[i].paidAt = before_[i];
            fuel += held[i];
            _compare(_grants[i]);
        }
    }

    /// @dev What the contract says the CSS accounts have earned and not yet taken out.
    function _earned() private view returns (uint256) {
        return _asc.credit(account(2)) + _asc.credit(account(3));
    }

    /// @dev An update for the grant at `index`, and what must become of it. Takes from the model's fuel what the contract sets
    /// aside; adds to `held` what comes back.
    function _plan(uint256 index, uint256 seed, uint256[] memory held, uint64[] memory before_)
        private
        returns (IDISSC.Update memory update, bytes4 reason)
    {
        Known storage known = _grants[index];
        uint256 dataset = _roll(seed, 1) % 8 == 0 ? _roll(seed, 2) % DATASETS : known.dataset;
        Model storage model = _models[dataset];
        bytes32[] memory fresh = _draw(1 + _roll(seed, 3) % 3);
        bool honest = _roll(seed, 4) % 4 > 0 && model.leaves.length < MAX_LEAVES;
        update = _updateSignedBy(model, fresh, honest ? model.deviceKey : FORGER_KEY);

        uint256 price = known.terms.perRecord;
        if (known.state != IASC.State.Accepted) return (update, IASC.ASC_WrongState.selector);
        if (_now >= known.end) return (update, IASC.ASC_Over.selector);
        if (dataset != known.dataset) return (update, IASC.ASC_WrongDataset.selector);
        if (known.paidAt > 0 && _now - known.paidAt < known.terms.interval) {
            return (update, IASC.ASC_TooEarly.selector);
        }
        if (known.fuel < price) return (update, IASC.ASC_TooLittleFuel.selector);
        known.fuel -= price;
        fuel -= price;
        known.paidAt = _now;
        if (!honest) {
            held[index] += price;
            return (update, IASC.ASC_Refused.selector);
        }
        before_[index] = _now;
        _note(model, fresh);
        _roots[dataset] = NaiveTree.root(model.leaves);
        recordedPrice += price;
        credits[known.terms.css] += price;
    }

    // ------------------------------------------------------------------------------------------------------ at the end

    function endEverything() external {
        for (uint256 i = 0; i < _grants.length; ++i) {
            if (_grants[i].end > _now) _now = _grants[i].end;
        }
        vm.warp(_now);
        for (uint256 i = 0; i < _grants.length; ++i) {
            _end(_grants[i], STRANGER);
        }
        for (uint256 i = 0; i < 5; ++i) {
            _withdraw(account(i));
        }
    }

    // ----------------------------------------------------------------------------------------------------------- model

    /// @dev Two owners, two CSS accounts, a stranger.
    function account(uint256 i) public view returns (address) {
        address[5] memory all = [_OWNER_ONE, _OWNER_TWO, address(0xC1), address(0xC2), STRANGER];
        return all[i % 5];
    }

    /// @dev DISSC's heads are what the relayed updates made of them: fuel paid is for what was recorded.
    function checkHeads() external view {
        for (uint256 i = 0; i < DATASETS; ++i) {
            (uint64 size, bytes32 root) = dissc.head(_models[i].dataset);
            require(size == _models[i].leaves.length && root == _roots[i], "recorded");
        }
    }

    function _call(address caller, uint256 value, bytes memory data, bool expected) private {
        vm.prank(caller);
        (bool ok,) = address(_asc).call{ value: value }(data);
        require(ok == expected, expected ? "what is right was refused" : "what is wrong was done");
    }

    function _reach(Known storage known, IASC.State state) private {
        known.state = state;
        ++reached[state];
        _compare(known);
    }

    function _compare(Known storage known) private view {
        // As the contract answers it, undecoded: after each relay all grants are compared
        (bool ok, bytes memory seen) = address(_asc).staticcall(abi.encodeCall(IASC.grant, (known.id)));
        IASC.Grant memory model = IASC.Grant(
            known.terms, known.state, known.end, known.revoked, uint128(known.fuel), _owner(known.dataset), known.paidAt
        );
        require(ok && keccak256(seen) == keccak256(abi.encode(model)), "grant");
        bool isReadable = known.state == IASC.State.Accepted && !known.revoked && _now < known.end;
        require(_asc.readable(known.id) == isReadable, "readable");
    }

    /// @dev One of the latest grants, most often in the wanted state.
    function _pick(uint256 seed, IASC.State wanted) private view returns (Known storage) {
        return _grants[_pickIndex(seed, wanted)];
    }

    function _pickIndex(uint256 seed, IASC.State wanted) private view returns (uint256) {
        uint256 n = _grants.length;
        uint256 recent = n < RECENT ? n : RECENT;
        uint256 start = _roll(seed, 50) % recent;
        for (uint256 i = 0; i < recent && _roll(seed, 51) % 8 > 0; ++i) {
            uint256 index = n - 1 - (start + i) % recent;
            if (_grants[index].state == wanted) return index;
        }
        return n - 1 - start;
    }

    function _or(uint256 seed, address right, uint256 oneIn) private view returns (address) {
        return _roll(seed, 60) % oneIn == 0 ? account(_roll(seed, 61)) : right;
    }

    function _owner(uint256 dataset) private view returns (address) {
        return account(dataset % 2);
    }

    function _roll(uint256 seed, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("roll", seed, i)));
    }
}
