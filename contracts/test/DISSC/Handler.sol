// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscModel } from "../model/DisscTest.sol";
import { NaiveTree } from "../model/NaiveTree.sol";

/// @title Owners, devices, anchorers and an attacker who act at random
/// @dev Keeps what each device knows of its log, foretells the fate of each charter and update from that alone, and fails when
/// the contract decides otherwise. Leaves the comparison of the whole state to the invariants.
contract Handler is DisscModel {
    uint256 private constant MAX_DATASETS = 8;
    uint256 private constant MAX_LEAVES = 200;
    uint256 private constant OWNERS = 3;
    uint256 private constant DEVICE_KEYS = 5;
    uint256 private constant ATTACKER_KEY = 0xBAD;
    uint32 private constant START = 1_800_000_000;

    /// @dev Datasets 0 to `opened - 1`.
    Model[MAX_DATASETS] private _models;
    uint256 public opened;

    /// @dev What a stranger who reads nothing but events knows of each dataset: its peaks, and their heights.
    mapping(bytes32 dataset => bytes32[]) private _peaks;
    mapping(bytes32 dataset => uint256[]) private _heights;
    mapping(bytes32 dataset => uint64) private _sizes;

    /// @dev Keys that once were a dataset's device; charters and updates that were seen.
    mapping(uint256 dataset => uint256[]) private _formerKeys;
    IDISSC.Charter[] private _seenCharters;
    IDISSC.Update[] private _seen;

    mapping(address anchorer => bytes32) public rounds;

    /// @dev How often each kind of thing happened: a history in which nothing happened shows nothing.
    uint256 public acceptedUpdates;
    uint256 public refusedUpdates;
    uint256 public replacements;
    uint256 public steps;

    modifier step() {
        ++steps;
        vm.warp(START);
        _;
    }

    /// @dev One update of a call, and what must become of it.
    struct Plan {
        IDISSC.Update update;
        bool honest;
        uint256 model;
        uint256 count;
        address device;
    }

    constructor(IDISSC target) {
        dissc = target;
        vm.warp(START);
        openDataset(0, 0);
        openDataset(1, 1);
    }

    // -------------------------------------------------------------------------------------------------- what owners do

    function openDataset(uint256 seed, uint256 key) public step {
        if (opened == MAX_DATASETS) return;
        Model storage model = _models[opened];
        _name(model, 0xA11CE + seed % OWNERS, bytes32(opened), uint8(_roll(seed, 1) % 3));
        ++opened;
        _charterFor(model, 0xD0 + key % DEVICE_KEYS, START + uint32(_roll(seed, 2) % 100), _roll(seed, 3));
    }

    function replaceDevice(uint256 seed, uint256 key) public step {
        uint256 i = seed % opened;
        Model storage model = _models[i];
        _formerKeys[i].push(model.deviceKey);
        ++replacements;
        _charterFor(model, 0xD0 + key % DEVICE_KEYS, model.serial + 1 + uint32(_roll(seed, 1) % 10), _roll(seed, 2));
    }

    /// @dev By the owner, with an anchorer or without, or by anybody with the owner's signature.
    function _charterFor(Model storage model, uint256 key, uint32 serial, uint256 dice) private {
        (model.deviceKey, model.serial) = (key, serial);
        bool byOwner = dice % 2 == 0;
        IDISSC.Charter memory charter =
            byOwner ? _charter(model, dice % 4 == 0 ? address(0xA4C) : address(0)) : _signedCharter(model);
        _seenCharters.push(charter);
        vm.prank(byOwner ? charter.owner : _account(dice));
        dissc.record(_list(charter), new IDISSC.Update[](0));
    }

    // ----------------------------------------------------------------------------------------- what an attacker may try

    /// @dev A charter that nobody signed, or that was signed once: it reverts, or it is skipped.
    function usurp(uint256 seed) public step {
        Model storage model = _models[seed % opened];
        IDISSC.Charter memory charter = _signedCharter(model);
        charter.serial += 1;
        charter.device = vm.addr(ATTACKER_KEY);
        uint256 kind = _roll(seed, 1) % 4;
        if (kind == 0) charter.signature = _sign(ATTACKER_KEY, _charterDigest(block.chainid, address(dissc), charter));
        if (kind == 1) charter.anchorer = address(0xBAD);
        if (kind == 2) charter.kind = 3;
        if (kind == 3) charter.owner = address(0);
        vm.prank(_account(_roll(seed, 2)));
        try dissc.record(_list(charter), new IDISSC.Update[](0)) {
            revert("a stranger chartered a dataset");
        } catch { }
    }

    function replayCharter(uint256 seed) public step {
        IDISSC.Charter memory charter = _seenCharters[seed % _seenCharters.length];
        vm.prank(_roll(seed, 1) % 2 == 0 ? charter.owner : _account(_roll(seed, 2)));
        dissc.record(_list(charter), new IDISSC.Update[](0));
    }

    // ------------------------------------------------------------------------------------------------ what anyone sends

    function anchor(uint256 seed) public step {
        address anchorer = address(uint160(0xA4C + seed % 3));
        bytes32 body = _draw();
        if (_roll(seed, 1) % 4 == 0) {
            vm.prank(anchorer);
            try dissc.anchor(body, body) {
                revert("a round behind no round");
            } catch { }
            return;
        }
        vm.prank(anchorer);
        bytes32 newest = dissc.anchor(rounds[anchorer], body);
        bytes32 expected = sha256(bytes.concat(hex"05", bytes8(uint64(START)), rounds[anchorer], body));
        require(newest == expected, "round");
        rounds[anchorer] = expected;
    }

    function publishAndLink(uint256 seed) public step {
        dissc.publish(_models[seed % opened].dataset, 1, 0, "salt", "nonce", new bytes(32 * (1 + _roll(seed, 1) % 9)));
        dissc.link(_models[seed % opened].name, 0, 0, 1, "objects");
    }

    function recordOne(uint256 seed) public step {
        Plan[] memory plans = new Plan[](1);
        plans[0] = _planHonest(seed);
        _send(plans, seed);
    }

    function recordMany(uint256 seed) public step {
        Plan[] memory plans = new Plan[](1 + seed % 6);
        for (uint256 i = 0; i < plans.length; ++i) {
            uint256 dice = _roll(seed, i);
            plans[i] = dice % 2 == 0 ? _planHonest(dice) : _planHostile(dice);
        }
        _send(plans, seed);
    }

    function recordHostile(uint256 seed) public step {
        Plan[] memory plans = new Plan[](1);
        plans[0] = _planHostile(seed);
        _send(plans, seed);
    }

    function recordMalformed(uint256 seed) public step {
        // An honest update behind one that points outside
        Plan memory bad = _planHonest(_roll(seed, 1));
        bool[] memory accepted;
        IDISSC.Update memory first = bad.update;
        _forget(bad);
        Plan memory good = _planHonest(_roll(seed, 2));
        bytes memory data = abi.encodeCall(IDISSC.record, (new IDISSC.Charter[](0), _list(first, good.update)));
        // The bad one's offset, or one of its parts', becomes anything beyond the end
        uint256 offset;
        uint256 position = 4 + 0x80;
        assembly ("memory-safe") {
            offset := mload(add(add(data, 32), position))
        }
        if (seed % 4 != 0) position += offset + (2 + seed % 4) * 32;
        uint256 outside = data.length + _roll(seed, 3) % (type(uint256).max - data.length);
        assembly ("memory-safe") {
            mstore(add(add(data, 32), position), outside)
        }
        vm.recordLogs();
        (bool ok, bytes memory answer) = address(dissc).call(data);
        _readEvents(vm.getRecordedLogs());
        require(ok, "the call as a whole succeeds");
        accepted = abi.decode(answer, (bool[]));
        require(!accepted[0] && accepted[1], "only what points outside is refused");
        ++refusedUpdates;
        ++acceptedUpdates;
    }

    // ----------------------------------------------------------------------------------------------------------- views

    function modelAt(uint256 i)
        external
        view
        returns (bytes32 dataset, address device, uint32 serial, bytes32[] memory leaves)
    {
        Model storage model = _models[i];
        return (model.dataset, vm.addr(model.deviceKey), model.serial, model.leaves);
    }

    /// @dev What the events alone lead to.
    function rebuiltAt(uint256 i) external view returns (uint64 size, bytes32[] memory peaks) {
        bytes32 dataset = _models[i].dataset;
        return (_sizes[dataset], _peaks[dataset]);
    }

    // ----------------------------------------------------------------------------------------------------------- plans

    /// @dev What the device of some dataset sends next. The device takes note at once: updates of one call follow each other.
    function _planHonest(uint256 seed) private returns (Plan memory plan) {
        plan = _planFor(seed % opened, _roll(seed, 100));
        plan.honest = true;
    }

    function _planFor(uint256 i, uint256 seed) private returns (Plan memory plan) {
        Model storage model = _models[i];
        // The naive tree takes its time: a long log grows slowly
        uint256 count = model.leaves.length < MAX_LEAVES ? 1 + seed % (_roll(seed, 1) % 4 == 0 ? 40 : 4) : 1;
        bytes32[] memory fresh = _draw(count);
        (plan.model, plan.count) = (i, count);
        plan.update = _update(model, fresh);
        plan.device = vm.addr(model.deviceKey);
        _note(model, fresh);
    }

    /// @dev What must be refused.
    function _planHostile(uint256 seed) private returns (Plan memory plan) {
        uint256 i = seed % opened;
        uint256 kind = _roll(seed, 200) % 10;
        uint256 dice = _roll(seed, 201);
        plan = _planFor(i, _roll(seed, 202));
        _forget(plan);
        IDISSC.Update memory update = plan.update;

        if (kind == 0 && _seen.length > 0) {
            // A replay. Not of what a former device signed and was refused: that becomes honest if it is reinstated in time
            plan.update = _seen[dice % _seen.length];
        } else if (kind == 1) {
            _signAgain(update, ATTACKER_KEY);
        } else if (kind == 2 && _formerKeys[i].length > 0) {
            uint256 former = _formerKeys[i][dice % _formerKeys[i].length];
            _signAgain(update, former == _models[i].deviceKey ? ATTACKER_KEY : former);
        } else if (kind == 3) {
            update.signature = _twin(update.signature);
        } else if (kind == 4) {
            update.signature[64] = bytes1(uint8(update.signature[64]) - 27);
        } else if (kind == 5) {
            // To another dataset, or to none
            update.dataset = opened > 1 ? _models[(i + 1 + dice % (opened - 1)) % opened].dataset : bytes32(dice);
        } else if (kind == 6) {
            // Another root, signed by the device: a thief who has its key, and what the tree says against it
            update.root ^= bytes32(1 << (dice % 256));
            _signAgain(update, _models[i].deviceKey);
        } else if (kind == 7) {
            update.appended[dice % update.appended.length] ^= bytes32(1 << (dice >> 248));
        } else if (kind == 8 && update.peaks.length > 0) {
            update.peaks[dice % update.peaks.length] ^= bytes32(1 << (dice >> 248));
        } else {
            // Back to what was recorded, and less
            update.size = uint64(dice % (_models[i].leaves.length + 1));
            _signAgain(update, _models[i].deviceKey);
        }
    }

    /// @dev Takes back what a device noted of an update that will not arrive.
    function _forget(Plan memory plan) private {
        Model storage model = _models[plan.model];
        for (uint256 i = 0; i < plan.count; ++i) {
            model.leaves.pop();
        }
    }

    // --------------------------------------------------------------------------------------------------------- sending

    function _send(Plan[] memory plans, uint256 seed) private {
        IDISSC.Update[] memory updates = new IDISSC.Update[](plans.length);
        for (uint256 i = 0; i < plans.length; ++i) {
            updates[i] = plans[i].update;
            if (plans[i].honest) _seen.push(updates[i]);
        }
        IDISSC.Head[] memory before = dissc.heads(_datasets());
        vm.recordLogs();
        vm.prank(_account(seed));
        bool[] memory accepted = dissc.record(new IDISSC.Charter[](0), updates);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        _readEvents(logs);

        require(accepted.length == plans.length, "a flag for each update");
        require(logs.length == plans.length, "an event for each update");
        for (uint256 i = 0; i < plans.length; ++i) {
            bool honest = plans[i].honest;
            require(accepted[i] == honest, honest ? "an honest update was refused" : "a forgery went in");
            if (honest) _checkAccepted(plans[i], logs[i]);
            else _checkRefused(plans[i], logs[i]);
        }
        _checkHeads(plans, before);
    }

    /// @dev Logs with accepted updates have grown; all others are untouched.
    function _checkHeads(Plan[] memory plans, IDISSC.Head[] memory before) private view {
        bool[] memory moved = new bool[](opened);
        for (uint256 i = 0; i < plans.length; ++i) {
            if (plans[i].honest) moved[plans[i].model] = true;
        }
        IDISSC.Head[] memory heads = dissc.heads(_datasets());
        for (uint256 i = 0; i < opened; ++i) {
            if (moved[i]) {
                require(heads[i].size > before[i].size, "a log has not grown");
            } else {
                require(keccak256(abi.encode(heads[i])) == keccak256(abi.encode(before[i])), "another log has changed");
            }
        }
    }

    function _checkAccepted(Plan memory plan, Cheats.Log memory log) private {
        ++acceptedUpdates;
        IDISSC.Update memory update = plan.update;
        require(log.topics[0] == IDISSC.Recorded.selector, "Recorded");
        require(log.topics[1] == update.dataset, "Recorded: dataset");
        require(
            keccak256(log.data) == keccak256(abi.encode(update.size, update.root, update.appended)), "Recorded: head"
        );

        // The signature, over the head that the event announces, is the device's, and the event says so
        (uint64 size, bytes32 root,) = abi.decode(log.data, (uint64, bytes32, bytes32[]));
        (bytes32 r, bytes32 s, uint8 v) = _split(update.signature);
        bytes32 digest = _headDigest(block.chainid, address(dissc), update.dataset, IDISSC.Head(size, root));
        require(ecrecover(digest, v, r, s) == plan.device, "signed by the device");
        require(log.topics[2] == bytes32(uint256(uint160(plan.device))), "Recorded: signer");
    }

    function _checkRefused(Plan memory plan, Cheats.Log memory log) private {
        ++refusedUpdates;
        require(log.topics[0] == IDISSC.UpdateRefused.selector, "UpdateRefused");
        require(log.topics[1] == plan.update.dataset, "UpdateRefused: dataset");
    }

    /// @dev The stranger who reads events.
    function _readEvents(Cheats.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IDISSC.Recorded.selector) continue;
            bytes32 dataset = logs[i].topics[1];
            (uint64 sizeAfter,, bytes32[] memory appended) = abi.decode(logs[i].data, (uint64, bytes32, bytes32[]));
            uint256 size = _sizes[dataset];
            for (uint256 j = 0; j < appended.length; ++j) {
                uint256 height = 0;
                while (size % (2 << height) == 0 && size + (2 << height) <= sizeAfter) ++height;
                size += 1 << height;
                _pushPeak(_peaks[dataset], _heights[dataset], appended[j], height);
            }
            require(size == sizeAfter, "appended leads to the size");
            _sizes[dataset] = sizeAfter;
        }
    }

    function _pushPeak(bytes32[] storage peaks, uint256[] storage heights, bytes32 root, uint256 height) private {
        while (heights.length > 0 && heights[heights.length - 1] == height) {
            root = NaiveTree.node(peaks[peaks.length - 1], root);
            peaks.pop();
            heights.pop();
            ++height;
        }
        peaks.push(root);
        heights.push(height);
    }

    // ----------------------------------------------------------------------------------------------------------- dice

    function _datasets() private view returns (bytes32[] memory datasets) {
        datasets = new bytes32[](opened);
        for (uint256 i = 0; i < opened; ++i) {
            datasets[i] = _models[i].dataset;
        }
    }

    function _account(uint256 seed) private pure returns (address) {
        return address(uint160(0x1000 + seed % 1000));
    }

    function _roll(uint256 seed, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("roll", seed, i)));
    }
}
