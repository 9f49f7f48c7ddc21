// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { vm } from "../Cheats.sol";
import { OcascModel } from "./OcascTest.sol";

/// @title game.md
contract GameTest is OcascModel {
    uint128 private constant FEE = 10;
    uint128 private constant BLOCK_PRICE = 100;
    uint128 private constant BOND = 1000;
    uint96 private constant STAKE = 7;
    uint256 private constant DEMAND_STAKE = 5;
    uint32 private constant WINDOW = 3600;
    uint32 private constant DURATION = 30 days;
    uint256 private constant ACTIONS = 17;
    uint256 private constant TABLE = 1 << 17;

    /// @dev A place in the game: all that decides how it can go on, and who has what in the end.
    struct Place {
        uint256 keys;
        uint256 signed;
        uint256 due;
        bool approved;
        bool challenged;
        bool demanded;
        uint256 asked;
        uint256 stakes;
        IOCASC.State state;
        IOCASC.Question question;
        bool late;
        bool over;
        bool windowOver;
        bool ownerHonest;
        bool consumerHonest;
    }

    /// @dev What does not change during a game; in memory, as going back to an earlier place takes storage back.
    struct Game {
        uint256 blocks;
        bytes32 id;
        bytes[] chunkAnswers;
        bytes[] keyAnswers;
        bytes[] vouchers;
        bytes forged;
        bytes32[] seen;
        uint256 places;
        uint256 ends;
    }

    Model private model;
    Shelf private shelf;
    address private immutable OWNER = vm.addr(OWNER_ACCOUNT_KEY);

    function setUp() public {
        vm.warp(1_800_000_000);
        dissc = _deploy();
        ocasc = _deployOcasc(MIN_WINDOW, 1, DEMAND_STAKE);
        _open(model, OWNER_ACCOUNT_KEY, "sold", DEVICE_KEY);
        uint256[] memory sizes = new uint256[](6);
        for (uint256 i = 0; i < 6; ++i) {
            sizes[i] = 1 + i;
        }
        _shelve(model, shelf, _blocks(sizes));
        vm.deal(OWNER, 1e18);
        vm.deal(CONSUMER, 1e18);
        vm.fee(1);
    }

    function test_AllSalesOfOneAndTwoBlocks() public {
        _play(1);
        _play(2);
    }

    /// @dev Nightly, with MODEL_BLOCKS: three and four blocks take minutes, six take hours.
    function test_AllSalesOfAsManyBlocksAsAskedFor() public {
        uint256 most = vm.envOr("MODEL_BLOCKS", uint256(2));
        for (uint256 blocks = 3; blocks <= most; ++blocks) {
            _play(blocks);
        }
    }

    function _play(uint256 blocks) private {
        uint256 snapshot = vm.snapshotState();
        Game memory game = _begin(blocks);
        Place memory start;
        (start.state, start.ownerHonest, start.consumerHonest) = (IOCASC.State.Active, true, true);
        _visit(game, start);
        vm.assertTrue(game.ends > 2 * blocks && game.places > 30 * blocks, "there are many ways");
        emit Played(blocks, game.places, game.ends);
        vm.assertTrue(vm.revertToState(snapshot), "back");
    }

    event Played(uint256 blocks, uint256 places, uint256 ends);

    function _begin(uint256 blocks) private returns (Game memory game) {
        IOCASC.Terms memory terms;
        terms.dataset = model.dataset;
        terms.count = uint32(blocks);
        terms.price = FEE + uint128(blocks) * BLOCK_PRICE;
        (terms.fee, terms.bond, terms.stake) = (FEE, BOND, STAKE);
        (terms.maxChallenges, terms.maxDemands) = (1, 1);
        (terms.window, terms.duration) = (WINDOW, DURATION);
        terms.acceptBy = uint64(block.timestamp);
        vm.prank(OWNER);
        game.id = ocasc.offer{ value: BOND }("sold", 0, terms, AGENT, OWNER_KEY);
        vm.prank(CONSUMER);
        ocasc.accept{ value: terms.price }(game.id, vm.addr(SIGNER_KEY), CONSUMER_KEY);

        game.blocks = blocks;
        game.chunkAnswers = new bytes[](blocks);
        game.keyAnswers = new bytes[](blocks);
        game.vouchers = new bytes[](blocks + 1);
        for (uint64 i = 0; i < blocks; ++i) {
            game.chunkAnswers[i] = abi.encodeCall(IOCASC.respond, (game.id, _answer(model, shelf, i, 0, 6)));
            game.keyAnswers[i] = abi.encodeCall(IOCASC.respond, (game.id, _keyAnswer(model, shelf, i, 6)));
        }
        for (uint256 s = 1; s <= blocks; ++s) {
            uint128 due = FEE + uint128(s) * BLOCK_PRICE;
            game.vouchers[s] = abi.encodeCall(IOCASC.claim, (game.id, due, _voucher(SIGNER_KEY, game.id, due)));
        }
        bytes memory signature = _voucher(OWNER_ACCOUNT_KEY, game.id, terms.price);
        game.forged = abi.encodeCall(IOCASC.claim, (game.id, terms.price, signature));
        game.seen = new bytes32[](TABLE);
    }

    /// @dev Goes on from here in every way, if nobody has been here before.
    function _visit(Game memory game, Place memory place) private {
        // Nothing is promised to those who break the rules
        if (!place.ownerHonest && !place.consumerHonest) return;
        if (!_isNew(game, keccak256(abi.encode(place)))) return;
        ++game.places;
        if (place.state == IOCASC.State.Closed || place.state == IOCASC.State.Breached) {
            ++game.ends;
            _judge(game, place);
            return;
        }
        _refuseLies(game, place);
        uint256 snapshot = vm.snapshotState();
        for (uint256 action = 0; action < ACTIONS; ++action) {
            uint256 free;
            assembly {
                free := mload(0x40)
            }
            Place memory next = abi.decode(abi.encode(place), (Place));
            // What was refused has changed nothing: there is no need to go back
            if (_act(game, next, action)) {
                _visit(game, next);
                vm.assertTrue(vm.revertToState(snapshot), "back");
            }
            // Nothing of what came after is looked at again: without this, memory would be full of it
            assembly {
                mstore(0x40, free)
            }
        }
        vm.assertTrue(vm.deleteStateSnapshot(snapshot), "gone");
    }

    /// @return moved Whether there is a way to go on: calls that are not allowed were refused, and lead nowhere
    function _act(Game memory game, Place memory p, uint256 action) private returns (bool moved) {
        bool active = p.state == IOCASC.State.Active;
        bool open = p.state == IOCASC.State.Challenged || p.state == IOCASC.State.Lapsed;
        bool live = active || open;

        // Messages
        if (action == 0) {
            // The consumer signs for one block more: an honest one when all keys so far are there, and before the end
            if (p.signed == game.blocks || p.approved) return false;
            if (p.signed > p.keys || p.over) p.consumerHonest = false;
            ++p.signed;
            return true;
        }
        if (action == 1) {
            // The owner gives the next key: an honest one when it is paid for, and before the end
            if (p.keys == game.blocks) return false;
            if (p.signed <= p.keys || p.over) p.ownerHonest = false;
            ++p.keys;
            return true;
        }

        // Time: to the next point at which something becomes possible
        if (action == 2) return _passTime(game, p);

        // Calls
        if (action == 3) {
            if (p.signed == 0 || !_call(STRANGER, 0, game.vouchers[p.signed], live && p.signed > p.due)) return false;
            p.due = p.signed;
            return true;
        }
        if (action == 4) {
            // An old voucher first: of one block less than the highest
            if (p.signed < 2 || p.signed - 1 <= p.due) return false;
            p.due = p.signed - 1;
            return _call(STRANGER, 0, game.vouchers[p.due], live);
        }
        if (action == 5) {
            bool allowed = active && !p.over && !p.challenged;
            if (!_call(CONSUMER, STAKE, abi.encodeCall(IOCASC.challenge, (game.id, 0, 9)), allowed)) return false;
            (p.state, p.question, p.challenged, p.asked) = (IOCASC.State.Challenged, IOCASC.Question.Chunk, true, 0);
            return true;
        }
        if (action == 6 || action == 7) {
            // The first key that is missing, or the first of all
            uint256 which = action == 6 ? p.keys : 0;
            if (which == game.blocks || (action == 7 && p.keys == 0)) return false;
            bool allowed = active && !p.over && !p.demanded && p.due > which;
            bytes memory data = abi.encodeCall(IOCASC.demandKey, (game.id, uint64(which)));
            if (!_call(CONSUMER, DEMAND_STAKE, data, allowed)) return false;
            (p.state, p.question, p.demanded, p.asked) = (IOCASC.State.Challenged, IOCASC.Question.Key, true, which);
            return true;
        }
        if (action == 8) {
            // With a key shown on the chain the consumer has it; that it is paid for was checked
            bool isKey = p.question == IOCASC.Question.Key;
            bytes memory data = isKey ? game.keyAnswers[p.asked] : game.chunkAnswers[p.asked];
            bool allowed = p.state == IOCASC.State.Challenged || (p.state == IOCASC.State.Lapsed && !p.late);
            if (!_call(p.signed % 2 == 0 ? STRANGER : OWNER, 0, data, allowed)) return false;
            p.stakes += isKey ? DEMAND_STAKE : STAKE;
            if (isKey && p.asked == p.keys) ++p.keys;
            _settleQuestion(p, IOCASC.State.Active);
            return true;
        }
        if (action == 9) {
            bool allowed = p.state == IOCASC.State.Challenged && p.late;
            if (!_call(STRANGER, 0, abi.encodeCall(IOCASC.lapse, (game.id)), allowed)) return false;
            (p.state, p.late) = (IOCASC.State.Lapsed, false);
            return true;
        }
        if (action == 10) {
            bool allowed = p.state == IOCASC.State.Lapsed && p.late;
            if (!_call(STRANGER, 0, abi.encodeCall(IOCASC.breach, (game.id)), allowed)) return false;
            _settleQuestion(p, IOCASC.State.Breached);
            return true;
        }
        if (action == 11) {
            if (!_call(CONSUMER, 0, abi.encodeCall(IOCASC.approve, (game.id)), active)) return false;
            if (p.keys < game.blocks) p.consumerHonest = false;
            (p.state, p.approved, p.due) = (IOCASC.State.Closed, true, game.blocks);
            return true;
        }
        if (action == 12) {
            bool allowed = (active || p.state == IOCASC.State.Challenged) && !p.over;
            if (!_call(CONSUMER, 0, abi.encodeCall(IOCASC.quit, (game.id)), allowed)) return false;
            p.over = true;
            return true;
        }
        if (action == 13) {
            if (!_call(OWNER, 0, abi.encodeCall(IOCASC.close, (game.id)), active && p.over)) return false;
            if (p.signed > p.due) p.ownerHonest = false;
            p.state = IOCASC.State.Closed;
            return true;
        }
        if (action == 14) {
            address caller = p.keys % 2 == 0 ? STRANGER : CONSUMER;
            if (!_call(caller, 0, abi.encodeCall(IOCASC.close, (game.id)), active && p.windowOver)) return false;
            p.state = IOCASC.State.Closed;
            return true;
        }
        // Strangers in the place of the two
        address wrong = action == 15 ? OWNER : STRANGER;
        _call(wrong, 0, abi.encodeCall(IOCASC.approve, (game.id)), false);
        _call(wrong, 0, abi.encodeCall(IOCASC.quit, (game.id)), false);
        _call(wrong, 0, abi.encodeCall(IOCASC.cancel, (game.id)), false);
        return false;
    }

    /// @dev Whoever lets it pass where a rule says otherwise has broken the rule.
    function _passTime(Game memory game, Place memory p) private returns (bool) {
        IOCASC.Agreement memory a = ocasc.agreement(game.id);
        if (p.state == IOCASC.State.Challenged && !p.late) {
            p.late = true;
            vm.warp(a.challenge.deadline + 1);
        } else if (p.state == IOCASC.State.Lapsed && !p.late) {
            (p.late, p.ownerHonest) = (true, false);
            vm.warp(a.graceEnd + 1);
        } else if (p.state == IOCASC.State.Active && !p.over) {
            p.over = true;
            vm.warp(a.end);
        } else if (p.state == IOCASC.State.Active && !p.windowOver) {
            vm.warp(uint256(a.end) + WINDOW);
        } else {
            return false;
        }
        if (block.timestamp >= a.end) p.over = true;
        if (block.timestamp >= uint256(a.end) + WINDOW) {
            if (!p.windowOver && p.signed > p.due) p.ownerHonest = false;
            p.windowOver = true;
        }
        return true;
    }

    function _settleQuestion(Place memory p, IOCASC.State state) private pure {
        (p.state, p.question, p.asked, p.late) = (state, IOCASC.Question.None, 0, false);
    }

    /// @dev Answers with something else, vouchers that nobody signed.
    function _refuseLies(Game memory game, Place memory p) private {
        bool open = p.state == IOCASC.State.Challenged || p.state == IOCASC.State.Lapsed;
        if (open) {
            bool isKey = p.question == IOCASC.Question.Key;
            _call(OWNER, 0, isKey ? game.chunkAnswers[p.asked] : game.keyAnswers[p.asked], false);
            uint256 other = (p.asked + 1) % game.blocks;
            if (other != p.asked) _call(OWNER, 0, isKey ? game.keyAnswers[other] : game.chunkAnswers[other], false);
        }
        _call(OWNER, 0, game.forged, false);
    }

    /// @dev game.md, 1 to 3.
    function _judge(Game memory game, Place memory p) private view {
        uint256 price = FEE + game.blocks * BLOCK_PRICE;
        uint256 owners = ocasc.credit(address(0), OWNER);
        uint256 consumers = ocasc.credit(address(0), CONSUMER);
        uint256 asked = (p.challenged ? STAKE : 0) + (p.demanded ? DEMAND_STAKE : 0);
        require(owners + consumers == price + BOND + asked, "all of it is a credit of one of the two");
        require(address(ocasc).balance == owners + consumers, "and it is there");
        if (p.ownerHonest) {
            require(p.state == IOCASC.State.Closed, "an honest owner is not breached");
            require(owners >= BOND + FEE + p.keys * BLOCK_PRICE + p.stakes, "an honest owner loses nothing");
        }
        if (p.consumerHonest) {
            uint256 loss = consumers > price + asked ? 0 : price + asked - consumers;
            uint256 shown = FEE + (p.keys + 1) * BLOCK_PRICE + p.stakes;
            require(loss <= shown, "an honest consumer loses what the terms showed");
        }
    }

    function _call(address caller, uint256 value, bytes memory data, bool expected) private returns (bool) {
        vm.prank(caller);
        (bool ok,) = address(ocasc).call{ value: value }(data);
        require(ok == expected, expected ? "what is right was refused" : "what is wrong was done");
        return ok;
    }

    /// @dev Puts a place into the table of those that were seen.
    function _isNew(Game memory game, bytes32 key) private pure returns (bool) {
        uint256 index = uint256(key) % TABLE;
        while (game.seen[index] != 0) {
            if (game.seen[index] == key) return false;
            index = (index + 1) % TABLE;
        }
        game.seen[index] = key;
        require(game.places < TABLE / 2, "the table is too small");
        return true;
    }
}
