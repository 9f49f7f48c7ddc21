// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IDISSC } from "../../src/interfaces/IDISSC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { DisscModel } from "../model/DisscTest.sol";

/// @title Owners, devices and an attacker who act at random
/// @dev Keeps what each device knows of its log, foretells the fate of each update from that alone, and fails when the contract
/// decides otherwise. Leaves the comparison of the whole state to the invariants.
contract Handler is DisscModel {
    uint256 private constant MAX_DATASETS = 8;
    uint256 private constant OWNERS = 3;
    uint256 private constant DEVICE_KEYS = 5;
    uint256 private constant ATTACKER_KEY = 0xBAD;
    address private constant ATTACKER = address(0xBAD);

    /// @dev Datasets 0 to `opened - 1`.
    Model[MAX_DATASETS] private _models;
    uint256 public opened;

    /// @dev Keys that once were a dataset's device.
    mapping(uint256 dataset => uint256[]) private _formerKeys;

    /// @dev Updates that were accepted.
    IDISSC.Update[] private _seen;

    /// @dev How often each kind of thing happened: a history in which nothing happened shows nothing.
    uint256 public acceptedUpdates;
    uint256 public refusedUpdates;
    uint256 public publishedBatches;
    uint256 public steps;

    modifier step() {
        ++steps;
        _;
    }

    /// @dev One update of a call, and what must become of it.
    struct Plan {
        IDISSC.Update update;
        bool honest;
        uint256 model;
        Batch[] batches;
        address device;
        IDISSC.Head head;
    }

    constructor(IDISSC target) {
        dissc = target;
        openDataset(0, 0);
        openDataset(1, 1);
    }

    // -------------------------------------------------------------------------------------------------- what owners do

    function openDataset(uint256 owner, uint256 key) public step {
        if (opened == MAX_DATASETS) return;
        _open(_models[opened], _owner(owner), bytes32(opened), _key(key));
        ++opened;
    }

    function openAgain(uint256 dataset, uint256 key) public step {
        Model storage model = _pick(dataset);
        vm.prank(model.owner);
        try dissc.openDataset(bytes32(dataset % opened), vm.addr(_key(key))) {
            revert("a dataset was opened twice");
        } catch { }
    }

    function setDevice(uint256 dataset, uint256 key) public step {
        Model storage model = _pick(dataset);
        vm.prank(model.owner);
        dissc.setDevice(model.dataset, vm.addr(_key(key)));
        _formerKeys[dataset % opened].push(model.deviceKey);
        model.deviceKey = _key(key);
    }

    function link(uint256 dataset, uint256 first) public step {
        Model storage model = _pick(dataset);
        if (model.size == 0) return;
        vm.prank(model.owner);
        dissc.link(model.dataset, uint64(first % model.size), 1, "object");
    }

    // ----------------------------------------------------------------------------------------- what an attacker may try

    function usurp(uint256 dataset, uint256 key) public step {
        Model storage model = _pick(dataset);
        address usurper = key % 2 == 0 ? ATTACKER : vm.addr(model.deviceKey);
        vm.prank(usurper);
        try dissc.setDevice(model.dataset, ATTACKER) {
            revert("a stranger set the device");
        } catch { }
        vm.prank(usurper);
        try dissc.link(model.dataset, 0, 1, "object") {
            revert("a stranger linked objects");
        } catch { }
    }

    // ------------------------------------------------------------------------------------------------ what anyone sends

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
        _forget(bad);
        Plan memory good = _planHonest(_roll(seed, 2));
        bytes memory data = abi.encodeCall(IDISSC.record, (_list(bad.update, good.update)));
        // The bad one's offset, or one of its parts', becomes anything beyond the end
        uint256 offset;
        uint256 position = 4 + 0x40;
        assembly ("memory-safe") {
            offset := mload(add(add(data, 32), position))
        }
        if (seed % 4 != 0) position += offset + (seed % 4) * 32;
        uint256 outside = data.length + _roll(seed, 3) % (type(uint256).max - data.length);
        assembly ("memory-safe") {
            mstore(add(add(data, 32), position), outside)
        }
        (bool ok, bytes memory answer) = address(dissc).call(data);
        require(ok, "the call as a whole succeeds");
        bool[] memory accepted = abi.decode(answer, (bool[]));
        require(!accepted[0] && accepted[1], "only what points outside is refused");
        ++refusedUpdates;
        ++acceptedUpdates;
        publishedBatches += _countPublished(good);
    }

    // ----------------------------------------------------------------------------------------------------------- views

    function modelAt(uint256 i)
        external
        view
        returns (bytes32 dataset, address owner, address device, uint64 size, bytes[] memory leaves)
    {
        Model storage model = _models[i];
        return (model.dataset, model.owner, vm.addr(model.deviceKey), model.size, model.leaves);
    }

    // ----------------------------------------------------------------------------------------------------------- plans

    /// @dev What the device of some dataset sends next. The device takes note at once: updates of one call follow each other.
    function _planHonest(uint256 seed) private returns (Plan memory plan) {
        plan = _planFor(seed % opened, _roll(seed, 100));
        plan.honest = true;
        _note(_models[plan.model], plan.batches);
    }

    function _planFor(uint256 i, uint256 seed) private returns (Plan memory plan) {
        Model storage model = _models[i];
        plan.model = i;
        plan.batches = new Batch[](1 + seed % 4);
        for (uint256 j = 0; j < plan.batches.length; ++j) {
            uint256 dice = _roll(seed, j);
            plan.batches[j] = dice % 3 == 0 ? _published(uint32(1 + dice % 4)) : _rooted(uint32(1 + dice % 1024));
        }
        plan.update = _update(model, plan.batches);
        plan.device = vm.addr(model.deviceKey);
        plan.head = _after(model, plan.batches);
    }

    /// @dev What must be refused.
    function _planHostile(uint256 seed) private returns (Plan memory plan) {
        uint256 i = seed % opened;
        uint256 kind = _roll(seed, 200) % 8;
        uint256 dice = _roll(seed, 201);
        plan = _planFor(i, _roll(seed, 202));
        bytes32 digest = _digest(block.chainid, address(dissc), plan.update.dataset, plan.head);

        if (kind == 0 && _seen.length > 0) {
            // A replay. Not of what a former device signed and was refused: that becomes honest if it is reinstated in time
            plan.update = _seen[dice % _seen.length];
        } else if (kind == 1) {
            plan.update.signature = _sign(ATTACKER_KEY, digest);
        } else if (kind == 2 && _formerKeys[i].length > 0) {
            uint256 former = _formerKeys[i][dice % _formerKeys[i].length];
            if (former == _models[i].deviceKey) former = ATTACKER_KEY;
            plan.update.signature = _sign(former, digest);
        } else if (kind == 3) {
            plan.update.signature = _twin(plan.update.signature);
        } else if (kind == 4) {
            plan.update.signature[64] = bytes1(uint8(plan.update.signature[64]) - 27);
        } else if (kind == 5) {
            // To another dataset, or to none
            plan.update.dataset = opened > 1 ? _models[(i + 1 + dice % (opened - 1)) % opened].dataset : bytes32(dice);
        } else if (kind == 6) {
            // The second of two batches without the first
            if (plan.batches.length < 2) plan.update.leaves = bytes.concat(plan.update.leaves, plan.update.leaves);
            else plan.update.leaves = _pack(_one(plan.batches[1]));
        } else {
            _flipABit(plan.update, dice);
        }
    }

    function _flipABit(IDISSC.Update memory update, uint256 dice) private pure {
        bytes memory part = update.leaves;
        if (dice % 4 == 0) part = update.signature;
        if (dice % 4 == 1 && update.sealedDigests.length > 0) part = update.sealedDigests;
        part[_roll(dice, 1) % part.length] ^= bytes1(uint8(1) << uint8(_roll(dice, 2) % 8));
    }

    /// @dev Takes back what an honest device noted of an update that will not arrive.
    function _forget(Plan memory plan) private {
        Model storage model = _models[plan.model];
        for (uint256 i = 0; i < plan.batches.length; ++i) {
            model.leaves.pop();
            model.size -= plan.batches[i].count;
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
        vm.prank(address(uint160(1 + seed % 1000)));
        bool[] memory accepted = dissc.record(updates);
        Cheats.Log[] memory logs = vm.getRecordedLogs();

        require(accepted.length == plans.length, "a flag for each update");
        uint256 next = 0;
        for (uint256 i = 0; i < plans.length; ++i) {
            require(
                accepted[i] == plans[i].honest, plans[i].honest ? "an honest update was refused" : "a forgery went in"
            );
            next = plans[i].honest ? _checkAccepted(plans[i], logs, next) : _checkRefused(plans[i], logs, next);
        }
        require(next == logs.length, "no other event");
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
                require(heads[i].batches > before[i].batches && heads[i].size > before[i].size, "a log has not grown");
            } else {
                require(keccak256(abi.encode(heads[i])) == keccak256(abi.encode(before[i])), "another log has changed");
            }
        }
    }

    function _checkAccepted(Plan memory plan, Cheats.Log[] memory logs, uint256 next) private returns (uint256) {
        ++acceptedUpdates;
        Cheats.Log memory log = logs[next++];
        require(log.topics[0] == keccak256("Recorded(bytes32,address,uint64,uint32,bytes32)"), "Recorded");
        require(log.topics[1] == plan.update.dataset, "Recorded: dataset");
        require(keccak256(log.data) == keccak256(abi.encode(plan.head)), "Recorded: head");

        // The signature, over the head that the event announces, is the device's, and the event says so
        IDISSC.Head memory announced = abi.decode(log.data, (IDISSC.Head));
        (bytes32 r, bytes32 s, uint8 v) = _split(plan.update.signature);
        bytes32 digest = _digest(block.chainid, address(dissc), plan.update.dataset, announced);
        require(ecrecover(digest, v, r, s) == plan.device, "signed by the device");
        require(log.topics[2] == bytes32(uint256(uint160(plan.device))), "Recorded: signer");

        for (uint256 i = 0; i < plan.batches.length; ++i) {
            Batch memory batch = plan.batches[i];
            if (batch.published == 0) continue;
            ++publishedBatches;
            log = logs[next++];
            require(log.topics[0] == keccak256("Published(bytes32,uint64,uint32,bytes32,bytes32,bytes)"), "Published");
            bytes memory data = abi.encode(batch.count, batch.salt, batch.batchRoot, batch.sealedDigests);
            require(keccak256(log.data) == keccak256(data), "Published: what");
        }
        return next;
    }

    function _checkRefused(Plan memory plan, Cheats.Log[] memory logs, uint256 next) private returns (uint256) {
        ++refusedUpdates;
        require(logs[next].topics[0] == IDISSC.UpdateRefused.selector, "UpdateRefused");
        require(logs[next].topics[1] == plan.update.dataset, "UpdateRefused: dataset");
        return next + 1;
    }

    function _countPublished(Plan memory plan) private pure returns (uint256 count) {
        for (uint256 i = 0; i < plan.batches.length; ++i) {
            count += plan.batches[i].published;
        }
    }

    // ----------------------------------------------------------------------------------------------------------- dice

    function _pick(uint256 dataset) private view returns (Model storage) {
        return _models[dataset % opened];
    }

    function _datasets() private view returns (bytes32[] memory datasets) {
        datasets = new bytes32[](opened);
        for (uint256 i = 0; i < opened; ++i) {
            datasets[i] = _models[i].dataset;
        }
    }

    function _owner(uint256 i) private pure returns (address) {
        return address(uint160(0xA11CE + i % OWNERS));
    }

    function _key(uint256 i) private pure returns (uint256) {
        return 0xD0 + i % DEVICE_KEYS;
    }

    function _roll(uint256 seed, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("roll", seed, i)));
    }
}
