// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { OcascTest } from "./OcascTest.sol";

/// @title challenge.tree, leaf by leaf
abstract contract ChallengeTest is OcascTest {
    uint64 private constant DEADLINE = NOW + WINDOW;

    // ------------------------------------------------------------------------------------------------------- challenge

    function test_Challenge_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        for (uint256 i = 0; i < 6; ++i) {
            bytes32 id = i < 5 ? ids[i] : _dispute();
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

        IOCASC.Terms memory terms = _terms();
        terms.maxChallenges = 0;
        id = _offer(terms);
        _accept(id);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoChallengeLeft.selector, id, uint16(0)));
        _challengeExpectingRevert(id, 7, STAKE);
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
        ocasc = IOCASC(vm.deployCode("OCASC.sol:OCASC", abi.encode(address(dissc), MIN_WINDOW, answerGas)));
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

    function test_Respond_Reverts_WhenItIsTooLate() public {
        bytes32 id = _dispute();
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(_tooLate(id, DEADLINE));
        ocasc.respond(id, answer);
    }

    function test_Respond_Reverts_WithAnotherRoot() public {
        bytes32 id = _dispute();
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        answer.chunk[500] ^= 0x01;
        vm.expectPartialRevert(IOCASC.OCASC_WrongRoot.selector);
        ocasc.respond(id, answer);
    }

    function test_Respond_CreditsTheStakeToTheOwner() public {
        address[3] memory callers = [OWNER, STRANGER, CONSUMER];
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
            vm.warp(DEADLINE);
            vm.recordLogs();
            vm.prank(callers[i]);
            ocasc.respond(id, answer);
            Cheats.Log[] memory logs = vm.getRecordedLogs();

            expected.state = IOCASC.State.Active;
            expected.challenge = IOCASC.Challenge(0, 0, 0, 0);
            vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
            vm.assertEq(logs[0].topics[0], IOCASC.Answered.selector, "Answered");
            vm.assertEq(logs[0].topics[1], id, "id");
            vm.assertEq(logs[0].topics[2], bytes32(uint256(7)), "block");
            vm.assertEq(logs[0].data, abi.encode(uint256(1), STAKE), "chunk, stake");
            vm.assertEq(logs[1].topics[0], IOCASC.Credited.selector, "Credited");
            vm.assertEq(logs[1].topics[1], 0, "in the native coin");
            vm.assertEq(logs[1].topics[2], bytes32(uint256(uint160(OWNER))), "to the owner");
            vm.assertEq(logs[1].topics[3], id, "id");
            vm.assertEq(logs[1].data, abi.encode(uint256(STAKE)), "the stake");
            uint256 escrow = currency == address(0) ? (i + 1) * (uint256(PRICE) + BOND) : 0;
            _assertMoney(address(0), (i + 1) * STAKE, 0, escrow);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- breach

    function test_Breach_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        vm.warp(NOW + 1000 days);
        for (uint256 i = 0; i < 6; ++i) {
            bytes32 id = i < 5 ? ids[i] : _agree();
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            ocasc.breach(id);
        }
    }

    function test_Breach_Reverts_WhenItIsTooEarly() public {
        bytes32 id = _dispute();
        vm.warp(DEADLINE);
        vm.expectRevert(_tooEarly(id, DEADLINE + 1));
        vm.prank(CONSUMER);
        ocasc.breach(id);
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
            vm.recordLogs();
            vm.prank(i == 0 ? STRANGER : CONSUMER);
            ocasc.breach(id);
            Cheats.Log memory log = vm.getRecordedLogs()[0];
            vm.assertEq(log.topics[0], IOCASC.Breached.selector, "Breached");
            vm.assertEq(log.topics[1], id, "id");
            uint256 toConsumer = uint256(PRICE) - dues[i] + BOND;
            vm.assertEq(log.data, abi.encode(uint256(dues[i]), toConsumer, STAKE), "who gets what");
            _assertState(id, IOCASC.State.Breached);
            vm.assertEq(ocasc.agreement(id).challenge.stake, 0, "no challenge is open");
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

    /// @dev Agreements, or ids, in the states None, Offered, Cancelled, Breached, Closed.
    function _others() private returns (bytes32[5] memory ids) {
        ids = [bytes32("unknown"), _offer(_terms()), _offer(_terms()), _dispute(), _agree()];
        vm.prank(OWNER);
        ocasc.cancel(ids[2]);
        vm.warp(NOW + WINDOW + 1);
        ocasc.breach(ids[3]);
        vm.prank(CONSUMER);
        ocasc.approve(ids[4]);
    }
}

contract ChallengeInNativeCoin is ChallengeTest { }

contract ChallengeInTokens is ChallengeTest {
    function setUp() public override {
        super.setUp();
        currency = address(token);
    }
}
