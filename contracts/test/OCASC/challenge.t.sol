// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { OcascTest } from "./OcascTest.sol";

/// @title challenge.tree, leaf by leaf
abstract contract ChallengeTest is OcascTest {
    // ------------------------------------------------------------------------------------------------------- challenge

    function test_Challenge_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        for (uint256 i = 0; i < 8; ++i) {
            bytes32 id = i < 5 ? ids[i] : i == 5 ? _dispute() : i == 6 ? _disputeKey() : _lapsed();
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            vm.prank(CONSUMER);
            ocasc.challenge{ value: STAKE }(id, 7, 1);
        }
    }

    function test_Challenge_Reverts_ForAnyoneButTheConsumer() public {
        bytes32 id = _agree();
        address[4] memory others = [OWNER, STRANGER, AGENT, vm.addr(SIGNER_KEY)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.deal(others[i], STAKE);
            vm.expectRevert(_notAllowed(id, others[i], CONSUMER));
            vm.prank(others[i]);
            ocasc.challenge{ value: STAKE }(id, 7, 1);
        }
    }

    function test_Challenge_Reverts_WhenTheEndHasCome() public {
        bytes32 id = _agree();
        bytes32 quitted = _agree();
        vm.prank(CONSUMER);
        ocasc.quit(quitted);
        vm.expectRevert(_tooLate(quitted, NOW - 1));
        _challengeExpectingRevert(quitted, 7, STAKE);
        vm.warp(NOW + DURATION);
        vm.expectRevert(_tooLate(id, NOW + DURATION - 1));
        _challengeExpectingRevert(id, 7, STAKE);
    }

    function test_Challenge_Reverts_ForABlockThatIsNotForSale() public {
        bytes32 id = _agree();
        uint64[4] memory blocks = [uint64(0), 3, 16, type(uint64).max];
        for (uint256 i = 0; i < blocks.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IOCASC.OCASC_BlockNotForSale.selector, id, blocks[i], uint64(4), uint32(12))
            );
            _challengeExpectingRevert(id, blocks[i], STAKE);
        }
    }

    function test_Challenge_Reverts_WhenAllHaveBeenMade() public {
        bytes32 id = _agree();
        for (uint32 i = 0; i < 3; ++i) {
            _challenge(id, 7, i);
            ocasc.respond(id, _honest(id, 7, i));
        }
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoChallengeLeft.selector, id, uint16(3)));
        _challengeExpectingRevert(id, 7, STAKE);
        // Demands are counted apart
        _claim(id, PRICE);
        _demand(id, 7);
    }

    function test_Challenge_Reverts_WithTooLowAStake() public {
        bytes32 id = _agree();
        uint256[2] memory low = [uint256(0), STAKE - 1];
        for (uint256 i = 0; i < low.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_StakeTooLow.selector, id, low[i], STAKE));
            _challengeExpectingRevert(id, 7, low[i]);
        }
        vm.fee(7 gwei);
        uint256 stake = 2 * ANSWER_GAS * 7 gwei;
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_StakeTooLow.selector, id, stake - 1, stake));
        _challengeExpectingRevert(id, 7, stake - 1);
    }

    function test_Challenge_Reverts_WithAStakeThatDoesNotFit() public {
        uint256 answerGas = 1 << 40;
        ocasc = _deployOcasc(MIN_WINDOW, answerGas, answerGas);
        address[2] memory payers = [OWNER, CONSUMER];
        for (uint256 i = 0; i < payers.length; ++i) {
            vm.prank(payers[i]);
            token.approve(address(ocasc), type(uint256).max);
        }
        bytes32 id = _agree();
        vm.fee(1 << 55);
        vm.deal(CONSUMER, type(uint128).max);
        vm.expectRevert(abi.encodeWithSignature("SafeCastOverflowedUintDowncast(uint8,uint256)", 96, 1 << 96));
        _challengeExpectingRevert(id, 7, 1 << 97);
        _claim(id, PRICE);
        vm.fee(1 << 56);
        vm.expectRevert(abi.encodeWithSignature("SafeCastOverflowedUintDowncast(uint8,uint256)", 96, 1 << 96));
        vm.prank(CONSUMER);
        ocasc.demandKey{ value: 1 << 97 }(id, 7);
    }

    function _challengeExpectingRevert(bytes32 id, uint64 blockIndex, uint256 value) private {
        vm.prank(CONSUMER);
        ocasc.challenge{ value: value }(id, blockIndex, 1);
    }

    function test_Challenge_KeepsTheChallenge() public {
        uint64[2] memory blocks = [uint64(4), 15];
        for (uint256 i = 0; i < blocks.length; ++i) {
            vm.warp(NOW);
            bytes32 id = _agree();
            IOCASC.Agreement memory expected = ocasc.agreement(id);
            vm.warp(NOW + DURATION - 1);
            vm.recordLogs();
            _challenge(id, blocks[i], type(uint32).max);
            Cheats.Log[] memory logs = vm.getRecordedLogs();

            uint64 deadline = NOW + DURATION - 1 + WINDOW;
            expected.state = IOCASC.State.Challenged;
            expected.question = IOCASC.Question.Chunk;
            expected.challenges = 1;
            expected.challenge = IOCASC.Challenge(blocks[i], type(uint32).max, STAKE, deadline);
            vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
            vm.assertEq(logs.length, 1, "one event");
            vm.assertEq(logs[0].topics[0], IOCASC.Challenged.selector, "Challenged");
            vm.assertEq(logs[0].topics[1], id, "id");
            vm.assertEq(logs[0].topics[2], bytes32(uint256(blocks[i])), "block");
            vm.assertEq(logs[0].data, abi.encode(type(uint32).max, STAKE, deadline), "seed, stake, deadline");
        }
    }

    function test_Challenge_CostsTwiceTheAnswer_AndNoMore() public {
        bytes32 id = _agree();
        vm.assertEq(ocasc.challengeStake(id), STAKE, "by the terms");
        vm.fee(1);
        uint256 stake = 2 * ANSWER_GAS;
        vm.assertEq(ocasc.challengeStake(id), stake, "by the base fee");
        vm.prank(CONSUMER);
        ocasc.challenge{ value: stake + 1234 }(id, 7, 1);
        vm.assertEq(ocasc.agreement(id).challenge.stake, stake, "the stake");
        uint256 escrow = currency == address(0) ? uint256(PRICE) + BOND : 0;
        _assertMoney(address(0), 0, 1234, escrow + stake);
    }

    // ------------------------------------------------------------------------------------------------------- demandKey

    function test_Demand_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        for (uint256 i = 0; i < 8; ++i) {
            bytes32 id = i < 5 ? ids[i] : i == 5 ? _dispute() : i == 6 ? _disputeKey() : _lapsed();
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            _demand(id, 7);
        }
    }

    function test_Demand_Reverts_ForAnyoneButTheConsumer() public {
        bytes32 id = _paid(PRICE);
        address[4] memory others = [OWNER, STRANGER, AGENT, vm.addr(SIGNER_KEY)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notAllowed(id, others[i], CONSUMER));
            vm.prank(others[i]);
            ocasc.demandKey(id, 7);
        }
    }

    function test_Demand_Reverts_WhenTheEndHasCome() public {
        bytes32 id = _paid(PRICE);
        bytes32 quitted = _paid(PRICE);
        vm.prank(CONSUMER);
        ocasc.quit(quitted);
        vm.expectRevert(_tooLate(quitted, NOW - 1));
        _demand(quitted, 7);
        vm.warp(NOW + DURATION);
        vm.expectRevert(_tooLate(id, NOW + DURATION - 1));
        _demand(id, 7);
    }

    function test_Demand_Reverts_ForABlockThatIsNotForSale() public {
        bytes32 id = _paid(PRICE);
        uint64[4] memory blocks = [uint64(0), 3, 16, type(uint64).max];
        for (uint256 i = 0; i < blocks.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IOCASC.OCASC_BlockNotForSale.selector, id, blocks[i], uint64(4), uint32(12))
            );
            _demand(id, blocks[i]);
        }
    }

    function test_Demand_Reverts_ForABlockThatIsNotPaid() public {
        // 986 for 12 blocks: block number n, from 0, is paid for when 17 + ceil(986 * (n + 1) / 12) is due
        bytes32 id = _agree();
        _notPaid(id, 4, 0);
        _claim(id, 17 + 82);
        _notPaid(id, 4, 0);
        _claim(id, 17 + 83);
        _notPaid(id, 5, 1);
        _demand(id, 4);
        ocasc.respond(id, _honestKey(id, 4));
        _claim(id, PRICE - 1);
        _notPaid(id, 15, 11);
        _claim(id, PRICE);
        _demand(id, 15);
    }

    function _notPaid(bytes32 id, uint64 blockIndex, uint256 paid) private {
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_BlockNotPaid.selector, id, blockIndex, uint64(4), paid));
        _demand(id, blockIndex);
    }

    function test_Demand_TakesEveryBlock_WhenTheFeeIsThePrice() public {
        IOCASC.Terms memory terms = _terms();
        (terms.fee, terms.price) = (1000, 1000);
        bytes32 id = _offer(terms);
        _accept(id);
        _demand(id, 15);
        _assertState(id, IOCASC.State.Challenged);
    }

    function test_Demand_TakesTheLargestSums() public {
        // 2^32 - 1 blocks at 2^128 - 1: nothing overflows
        Model storage long = models[77];
        _open(long, OWNER_ACCOUNT_KEY, "long", DEVICE_KEY);
        bytes32 slot = keccak256(abi.encode(long.dataset, uint256(0)));
        uint256 word = uint256(vm.load(address(dissc), slot)) | (uint256(1 << 33) << 160);
        vm.store(address(dissc), slot, bytes32(word));
        IOCASC.Terms memory terms = _terms();
        (terms.dataset, terms.first, terms.count) = (long.dataset, 0, type(uint32).max);
        (terms.price, terms.fee, terms.bond) = (type(uint128).max, 0, 0);
        bytes32 id = _offerOf(long, terms);
        vm.deal(CONSUMER, type(uint256).max);
        vm.prank(CONSUMER);
        token.approve(address(ocasc), type(uint256).max);
        token.mint(CONSUMER, type(uint128).max);
        _accept(id);
        _claim(id, type(uint128).max - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOCASC.OCASC_BlockNotPaid.selector, id, type(uint32).max - 1, 0, type(uint32).max - 1
            )
        );
        _demand(id, type(uint32).max - 1);
        _demand(id, type(uint32).max - 2);
    }

    mapping(uint256 => Model) private models;

    function test_Demand_Reverts_WithoutContentKeys() public {
        for (uint8 kind = 1; kind <= 2; ++kind) {
            Model storage plain = models[kind];
            _open(plain, OWNER_ACCOUNT_KEY, "plain", kind, DEVICE_KEY);
            _grow(plain, 16);
            IOCASC.Terms memory terms = _terms();
            terms.dataset = plain.dataset;
            bytes32 id = _offerOf(plain, terms);
            _accept(id);
            _claim(id, PRICE);
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoContentKeys.selector, id, kind));
            _demand(id, 7);
        }
    }

    function test_Demand_Reverts_WhenAllHaveBeenMade() public {
        bytes32 id = _paid(PRICE);
        for (uint64 i = 0; i < 2; ++i) {
            _demand(id, 7 + i);
            ocasc.respond(id, _honestKey(id, 7 + i));
        }
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoDemandLeft.selector, id, uint16(2)));
        _demand(id, 7);
        // Challenges are counted apart
        _challenge(id, 7, 1);
    }

    function test_Demand_Reverts_WithTooLowAStake() public {
        bytes32 id = _paid(PRICE);
        vm.fee(7 gwei);
        uint256 stake = DEMAND_GAS * 7 gwei;
        vm.assertEq(ocasc.demandStake(), stake, "by the base fee");
        uint256[2] memory low = [uint256(0), stake - 1];
        for (uint256 i = 0; i < low.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_StakeTooLow.selector, id, low[i], stake));
            vm.prank(CONSUMER);
            ocasc.demandKey{ value: low[i] }(id, 7);
        }
    }

    function test_Demand_KeepsTheQuestion() public {
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(NOW);
            vm.fee(0);
            bytes32 id = _paid(PRICE);
            IOCASC.Agreement memory expected = ocasc.agreement(id);
            vm.warp(NOW + DURATION - 1);
            vm.fee(i);
            uint256 stake = i * DEMAND_GAS;
            vm.recordLogs();
            vm.prank(CONSUMER);
            ocasc.demandKey{ value: stake + 5 }(id, 15);
            Cheats.Log[] memory logs = vm.getRecordedLogs();

            uint64 deadline = NOW + DURATION - 1 + WINDOW;
            expected.state = IOCASC.State.Challenged;
            expected.question = IOCASC.Question.Key;
            expected.demands = 1;
            expected.challenge = IOCASC.Challenge(15, 0, uint96(stake), deadline);
            vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
            vm.assertEq(logs.length, 2, "two events");
            vm.assertEq(logs[0].topics[0], IOCASC.Credited.selector, "what is too much");
            vm.assertEq(logs[1].topics[0], IOCASC.KeyDemanded.selector, "KeyDemanded");
            vm.assertEq(logs[1].topics[1], id, "id");
            vm.assertEq(logs[1].topics[2], bytes32(uint256(15)), "block");
            vm.assertEq(logs[1].data, abi.encode(uint96(stake), deadline), "stake, deadline");
            uint256 escrow = currency == address(0) ? (i + 1) * (uint256(PRICE) + BOND) : 0;
            _assertMoney(address(0), 0, 5 * (i + 1), escrow + stake);
        }
    }

    /// @dev An agreement of which so much is due.
    function _paid(uint128 due) private returns (bytes32 id) {
        id = _agree();
        _claim(id, due);
    }

    // --------------------------------------------------------------------------------------------------------- respond

    function test_Respond_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        for (uint256 i = 0; i < 6; ++i) {
            bytes32 id = i < 5 ? ids[i] : _agree();
            IOCASC.Answer memory answer = _honest(ids[4], 7, 1);
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            ocasc.respond(id, answer);
        }
    }

    function test_Respond_Reverts_WhenTheGraceIsOver() public {
        bytes32 id = _lapsed();
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        vm.warp(DEADLINE + 1 + GRACE + 1);
        vm.expectRevert(_tooLate(id, DEADLINE + 1 + GRACE));
        ocasc.respond(id, answer);
    }

    function test_Respond_Reverts_WithAnotherRoot() public {
        bytes32 id = _dispute();
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        answer.path[2] ^= bytes32(uint256(1));
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
    }

    function test_Respond_CreditsTheStakeToTheOwner() public {
        address[5] memory callers = [OWNER, STRANGER, CONSUMER, OWNER, STRANGER];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.warp(NOW);
            bytes32 id = _dispute();
            IOCASC.Agreement memory expected = ocasc.agreement(id);
            if (i == 2) {
                // The end may come first
                vm.prank(CONSUMER);
                ocasc.quit(id);
                expected.end = NOW;
            }
            IOCASC.Answer memory answer = _honest(id, 7, 1);
            // In time; long after, when nobody has said that it is late; in the last second of the grace
            vm.warp(i == 3 ? NOW + 365 days : DEADLINE);
            if (i == 4) {
                vm.warp(DEADLINE + 5);
                ocasc.lapse(id);
                vm.warp(DEADLINE + 5 + GRACE);
            }
            vm.recordLogs();
            vm.prank(callers[i]);
            ocasc.respond(id, answer);
            Cheats.Log[] memory logs = vm.getRecordedLogs();

            expected.state = IOCASC.State.Active;
            expected.question = IOCASC.Question.None;
            expected.challenge = IOCASC.Challenge(0, 0, 0, 0);
            vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
            vm.assertEq(logs.length, 2, "two events");
            vm.assertEq(logs[0].topics[0], IOCASC.Answered.selector, "Answered");
            vm.assertEq(logs[0].topics[1], id, "id");
            vm.assertEq(logs[0].topics[2], bytes32(uint256(7)), "block");
            vm.assertEq(logs[0].data, abi.encode(uint256(1), STAKE), "chunk, stake");
            _assertCredited(logs[1], id, STAKE);
            uint256 escrow = currency == address(0) ? (i + 1) * (uint256(PRICE) + BOND) : 0;
            _assertMoney(address(0), (i + 1) * STAKE, 0, escrow);
        }
    }

    function test_Respond_ShowsAKey() public {
        vm.fee(1);
        vm.deal(CONSUMER, 1e24);
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(NOW);
            bytes32 id = _agree();
            _claim(id, 510);
            vm.prank(CONSUMER);
            ocasc.demandKey{ value: DEMAND_GAS }(id, 9);
            IOCASC.Agreement memory expected = ocasc.agreement(id);
            IOCASC.Answer memory answer = _honestKey(id, 9);
            if (i == 1) {
                vm.warp(DEADLINE + 1);
                ocasc.lapse(id);
            }
            vm.recordLogs();
            vm.prank(STRANGER);
            ocasc.respond(id, answer);
            Cheats.Log[] memory logs = vm.getRecordedLogs();

            expected.state = IOCASC.State.Active;
            expected.question = IOCASC.Question.None;
            expected.challenge = IOCASC.Challenge(0, 0, 0, 0);
            vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
            vm.assertEq(logs.length, 2, "two events");
            vm.assertEq(logs[0].topics[0], IOCASC.KeyShown.selector, "KeyShown");
            vm.assertEq(logs[0].topics[1], id, "id");
            vm.assertEq(logs[0].topics[2], bytes32(uint256(9)), "block");
            vm.assertEq(logs[0].data, abi.encode(answer.key, uint96(DEMAND_GAS)), "key, stake");
            _assertCredited(logs[1], id, DEMAND_GAS);
        }
    }

    function _assertCredited(Cheats.Log memory log, bytes32 id, uint256 stake) private view {
        vm.assertEq(log.topics[0], IOCASC.Credited.selector, "Credited");
        vm.assertEq(log.topics[1], 0, "in the native coin");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(OWNER))), "to the owner");
        vm.assertEq(log.topics[3], id, "id");
        vm.assertEq(log.data, abi.encode(stake), "the stake");
    }

    // ----------------------------------------------------------------------------------------------------------- lapse

    function test_Lapse_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        bytes32 lapsed = _lapsed();
        vm.warp(NOW + 1000 days);
        for (uint256 i = 0; i < 7; ++i) {
            bytes32 id = i < 5 ? ids[i] : i == 5 ? _agree() : lapsed;
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            ocasc.lapse(id);
        }
    }

    function test_Lapse_Reverts_WhenItIsTooEarly() public {
        bytes32 id = _dispute();
        vm.warp(DEADLINE);
        vm.expectRevert(_tooEarly(id, DEADLINE + 1));
        vm.prank(CONSUMER);
        ocasc.lapse(id);
    }

    function test_Lapse_StartsTheGrace() public {
        uint64[2] memory times = [DEADLINE + 1, DEADLINE + 50 days];
        for (uint256 i = 0; i < times.length; ++i) {
            vm.warp(NOW);
            bytes32 id = i == 0 ? _dispute() : _disputeKey();
            IOCASC.Agreement memory expected = ocasc.agreement(id);
            vm.warp(times[i]);
            vm.recordLogs();
            vm.prank(i == 0 ? STRANGER : CONSUMER);
            ocasc.lapse(id);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            (expected.state, expected.graceEnd) = (IOCASC.State.Lapsed, times[i] + GRACE);
            vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
            vm.assertEq(logs.length, 1, "one event");
            vm.assertEq(logs[0].topics[0], IOCASC.Lapsed.selector, "Lapsed");
            vm.assertEq(logs[0].topics[1], id, "id");
            vm.assertEq(logs[0].data, abi.encode(times[i] + GRACE), "end of grace");
        }
    }

    // ---------------------------------------------------------------------------------------------------------- breach

    function test_Breach_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        bytes32 challenged = _dispute();
        vm.warp(NOW + 1000 days);
        for (uint256 i = 0; i < 7; ++i) {
            bytes32 id = i < 5 ? ids[i] : i == 5 ? _agree() : challenged;
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            ocasc.breach(id);
        }
    }

    function test_Breach_Reverts_WhenItIsTooEarly() public {
        bytes32 id = _lapsed();
        uint64[2] memory times = [DEADLINE + 1, DEADLINE + 1 + GRACE];
        for (uint256 i = 0; i < times.length; ++i) {
            vm.warp(times[i]);
            vm.expectRevert(_tooEarly(id, DEADLINE + 1 + GRACE + 1));
            vm.prank(CONSUMER);
            ocasc.breach(id);
        }
    }

    function test_Breach_MovesTheBond() public {
        uint128[3] memory dues = [FEE, 500, PRICE];
        uint256 owners = 0;
        uint256 consumers = 0;
        for (uint256 i = 0; i < dues.length; ++i) {
            vm.warp(NOW);
            bytes32 id = _dispute();
            if (dues[i] > FEE) _claim(id, dues[i]);
            vm.warp(DEADLINE + 1);
            ocasc.lapse(id);
            vm.warp(DEADLINE + 1 + GRACE + 1);
            IOCASC.Agreement memory expected = ocasc.agreement(id);
            vm.recordLogs();
            vm.prank(i == 0 ? STRANGER : CONSUMER);
            ocasc.breach(id);
            Cheats.Log memory log = vm.getRecordedLogs()[0];
            vm.assertEq(log.topics[0], IOCASC.Breached.selector, "Breached");
            vm.assertEq(log.topics[1], id, "id");
            uint256 toConsumer = uint256(PRICE) - dues[i] + BOND;
            vm.assertEq(log.data, abi.encode(uint256(dues[i]), toConsumer, STAKE), "who gets what");
            (expected.state, expected.question) = (IOCASC.State.Breached, IOCASC.Question.None);
            (expected.graceEnd, expected.challenge) = (0, IOCASC.Challenge(0, 0, 0, 0));
            vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
            owners += dues[i];
            consumers += toConsumer;
            if (currency == address(0)) {
                consumers += STAKE;
            } else {
                _assertMoney(address(0), 0, (i + 1) * STAKE, 0);
            }
            _assertMoney(currency, owners, consumers, 0);
        }
    }
}

contract ChallengeInNativeCoin is ChallengeTest { }

contract ChallengeInTokens is ChallengeTest {
    function setUp() public override {
        super.setUp();
        currency = address(token);
    }
}
