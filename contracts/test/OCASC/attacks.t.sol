// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { vm } from "../Cheats.sol";
import { Reenterer } from "../model/Reenterer.sol";
import { OcascTest } from "./OcascTest.sol";

/// @title What people and tokens may try against an agreement
contract AttacksTest is OcascTest {
    bytes4 private constant REENTRANT = bytes4(keccak256("ReentrancyGuardReentrantCall()"));

    // -------------------------------------------------------------------------------------------------- around answers

    function test_RespondCopiedFromTheMempool_PaysTheOwner() public {
        bytes32 id = _dispute();
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        vm.prank(STRANGER);
        ocasc.respond(id, answer);
        _assertMoney(address(0), STAKE, 0, uint256(PRICE) + BOND);
        // The owner's own comes too late, and costs nothing but its gas
        vm.expectRevert(_wrongState(id, IOCASC.State.Active));
        vm.prank(OWNER);
        ocasc.respond(id, answer);
    }

    function test_EndlessChallenges_EndAndArePaidFor() public {
        IOCASC.Terms memory terms = _terms();
        terms.maxChallenges = 40;
        bytes32 id = _offer(terms);
        _accept(id);
        for (uint32 i = 0; i < 40; ++i) {
            _challenge(id, 7, i);
            // One at a time
            vm.expectRevert(_wrongState(id, IOCASC.State.Challenged));
            vm.prank(CONSUMER);
            ocasc.challenge{ value: STAKE }(id, 8, i);
            ocasc.respond(id, _honest(id, 7, i));
        }
        vm.expectPartialRevert(IOCASC.OCASC_NoChallengeLeft.selector);
        vm.prank(CONSUMER);
        ocasc.challenge{ value: STAKE }(id, 7, 1);
        _assertMoney(address(0), 40 * STAKE, 0, uint256(PRICE) + BOND);
    }

    function test_EndlessChallenges_DoNotKeepTheOwnerFromClosing() public {
        bytes32 id = _agree();
        vm.warp(NOW + DURATION - 1);
        _challenge(id, 7, 1);
        vm.warp(NOW + DURATION);
        ocasc.respond(id, _honest(id, 7, 1));
        vm.expectPartialRevert(IOCASC.OCASC_TooLate.selector);
        vm.prank(CONSUMER);
        ocasc.challenge{ value: STAKE }(id, 7, 1);
        vm.prank(OWNER);
        ocasc.close(id);
        _assertMoney(address(0), uint256(FEE) + BOND + STAKE, PRICE - FEE, 0);
    }

    function test_BaseFeeSpike_RaisesTheStakeOfTheNextChallengeOnly() public {
        vm.fee(1 gwei);
        bytes32 id = _agree();
        uint256 calm = 2 * ANSWER_GAS * 1 gwei;
        vm.assertEq(ocasc.challengeStake(id), calm, "pays twice for the answer");
        vm.prank(CONSUMER);
        ocasc.challenge{ value: calm }(id, 7, 1);
        // The open challenge keeps its stake, the answer stays valid
        vm.fee(500 gwei);
        vm.warp(NOW + WINDOW);
        ocasc.respond(id, _honest(id, 7, 1));
        vm.assertEq(ocasc.credit(address(0), OWNER), calm, "the stake of then");
        // To challenge in the spike costs what answering in the spike costs
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_StakeTooLow.selector, id, calm, 2 * ANSWER_GAS * 500 gwei));
        vm.prank(CONSUMER);
        ocasc.challenge{ value: calm }(id, 7, 1);
        vm.prank(CONSUMER);
        ocasc.challenge{ value: 2 * ANSWER_GAS * 500 gwei }(id, 7, 2);
        // What the spike made dear comes back whole at a breach
        vm.fee(0);
        _breachNow(id);
        _assertMoney(address(0), calm + FEE, uint256(PRICE) - FEE + BOND + 2 * ANSWER_GAS * 500 gwei, 0);
    }

    function test_AnOwnerWhoNeverAnswers_LosesTheBond() public {
        uint256 before = CONSUMER.balance;
        bytes32 id = _dispute();
        _breachNow(id);
        vm.prank(CONSUMER);
        ocasc.withdraw(address(0), CONSUMER);
        vm.assertEq(CONSUMER.balance, before - FEE + BOND, "all but the fee is back, and the bond beside");
        // Nothing brings it back
        IOCASC.Answer memory answer = _honest(id, 7, 1);
        vm.expectRevert(_wrongState(id, IOCASC.State.Breached));
        vm.prank(OWNER);
        ocasc.respond(id, answer);
        vm.expectRevert(_wrongState(id, IOCASC.State.Breached));
        vm.prank(OWNER);
        ocasc.close(id);
    }

    function test_AnOwnerWhoNeverAnswers_StillGetsTheVouchers() public {
        bytes32 id = _dispute();
        _claim(id, 700);
        _breachNow(id);
        _assertMoney(address(0), 700, uint256(PRICE) - 700 + BOND + STAKE, 0);
    }

    function test_DeviceChange_LeavesAnswersValid() public {
        bytes32 id = _dispute();
        _replaceDevice(model, 0xBADBAD, model.serial + 1);
        ocasc.respond(id, _honest(id, 7, 1));
        _assertState(id, IOCASC.State.Active);
    }

    function test_LogGrowth_LeavesAnswersValid_AsOfTheOffer() public {
        bytes32 id = _dispute();
        _grow(model, SIZE + 6);
        // A path to the head of now is another path
        IOCASC.Answer memory late = _answer(model, shelves[0], 7, 1, model.leaves.length);
        vm.expectPartialRevert(IOCASC.OCASC_BadPathLength.selector);
        ocasc.respond(id, late);
        ocasc.respond(id, _honest(id, 7, 1));
        _assertState(id, IOCASC.State.Active);
        // Nor can later blocks be asked for, even though the range was taken to its end
        vm.expectPartialRevert(IOCASC.OCASC_BlockNotForSale.selector);
        vm.prank(CONSUMER);
        ocasc.challenge{ value: STAKE }(id, SIZE, 1);
    }

    function test_AChunkBeyondTheBlock_CannotBeAskedFor() public {
        // Block 4 has one byte: every seed names its only chunk
        bytes32 id = _agree();
        uint32[3] memory seeds = [uint32(1), 1023, type(uint32).max];
        for (uint256 i = 0; i < seeds.length; ++i) {
            _challenge(id, 4, seeds[i]);
            IOCASC.Answer memory answer = _honest(id, 4, 0);
            vm.assertEq(answer.chunk.length, 1, "its only byte");
            ocasc.respond(id, answer);
        }
    }

    // ------------------------------------------------------------------------------------------------------- around keys

    /// @dev An agent that sends wrong keys: a consumer who checks them against their commitments pays nothing more, demands
    /// the key of the block paid ahead, and has it or the bond.
    function test_AnAgentWithWrongKeys_LosesTheBond() public {
        bytes32 id = _agree();
        // Two blocks are paid for, the second key was wrong
        _claim(id, FEE + 2 * 83);
        _demand(id, 5);
        IOCASC.Answer memory wrong = _honestKey(id, 5);
        wrong.key = "what the agent has sent";
        vm.expectPartialRevert(IOCASC.OCASC_WrongKey.selector);
        vm.prank(OWNER);
        ocasc.respond(id, wrong);
        _breachNow(id);
        uint256 due = FEE + 2 * 83;
        _assertMoney(address(0), due, uint256(PRICE) - due + BOND, 0);
    }

    function test_AnOwnerWithALazyAgent_ShowsTheKeyAndGoesOn() public {
        bytes32 id = _disputeKey();
        ocasc.respond(id, _honestKey(id, 7));
        _claim(id, 700);
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        _assertMoney(address(0), 700 + uint256(BOND), PRICE - 700, 0);
    }

    /// @dev A record whose content commitment nobody can open costs the bond, like a key that is withheld.
    function test_ACommitmentThatNobodyCanOpen_CostsTheBond() public {
        bytes32 id = _agree();
        _claim(id, PRICE);
        // Block 12 is a made-up record: no key opens it
        _demand(id, 12);
        _breachNow(id);
        _assertMoney(address(0), PRICE, BOND, 0);
    }

    function test_AKeyThatIsNotPaidFor_CannotBeDemanded_ByAVoucherThatWasNotBrought() public {
        bytes32 id = _agree();
        bytes memory voucher = _voucher(SIGNER_KEY, id, 510);
        vm.expectPartialRevert(IOCASC.OCASC_BlockNotPaid.selector);
        _demand(id, 7);
        // The consumer brings the own voucher, as the owner waits with it
        vm.prank(CONSUMER);
        ocasc.claim(id, 510, voucher);
        _demand(id, 7);
    }

    function test_EndlessDemands_EndAndArePaidFor() public {
        vm.fee(1);
        bytes32 id = _agree();
        _claim(id, PRICE);
        for (uint64 i = 0; i < 2; ++i) {
            vm.prank(CONSUMER);
            ocasc.demandKey{ value: DEMAND_GAS }(id, 4 + i);
            vm.prank(STRANGER);
            ocasc.respond(id, _honestKey(id, 4 + i));
        }
        vm.expectPartialRevert(IOCASC.OCASC_NoDemandLeft.selector);
        vm.prank(CONSUMER);
        ocasc.demandKey{ value: DEMAND_GAS }(id, 4);
        _assertMoney(address(0), 2 * DEMAND_GAS, 0, uint256(PRICE) + BOND);
    }

    function test_AChainThatStoodStill_CostsNobodyTheBond() public {
        bytes32 id = _dispute();
        // No block for a day; the first after it has a lapse, and a breach, of somebody who is quick
        vm.warp(DEADLINE + 1 days);
        ocasc.lapse(id);
        vm.expectPartialRevert(IOCASC.OCASC_TooEarly.selector);
        ocasc.breach(id);
        vm.warp(block.timestamp + GRACE);
        ocasc.respond(id, _honest(id, 7, 1));
        _assertMoney(address(0), STAKE, 0, uint256(PRICE) + BOND);
    }

    function test_AnOfferOfASecond_CannotBeMade() public {
        IOCASC.Terms memory terms = _terms();
        (terms.price, terms.fee, terms.bond, terms.duration) = (10 ether, 10 ether, 10 ether, 1);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_BadDuration.selector, 1, MIN_WINDOW, 1825 days));
        _offer(terms);
    }

    // ---------------------------------------------------------------------------------------------------- around parties

    function test_AnIdleConsumer_LosesWhatIsDueAndNoMore() public {
        bytes32 id = _agree();
        bytes32 idle = _agree();
        _claim(id, 300);
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        _assertMoney(address(0), 300 + uint256(BOND), PRICE - 300, uint256(PRICE) + BOND);
        // Without the owner a stranger can, later
        vm.warp(NOW + DURATION + WINDOW);
        vm.prank(STRANGER);
        ocasc.close(idle);
        _assertMoney(address(0), 300 + FEE + 2 * uint256(BOND), 2 * uint256(PRICE) - 300 - FEE, 0);
    }

    function test_QuittingDoesNotEscapeVouchers() public {
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.quit(id);
        vm.expectPartialRevert(IOCASC.OCASC_TooEarly.selector);
        vm.prank(CONSUMER);
        ocasc.close(id);
        vm.warp(NOW + WINDOW - 1);
        _claim(id, 900);
        vm.warp(NOW + WINDOW);
        vm.prank(CONSUMER);
        ocasc.close(id);
        _assertMoney(address(0), 900 + uint256(BOND), PRICE - 900, 0);
    }

    function test_AnOldVoucherDoesNotLowerWhatIsDue() public {
        bytes32 id = _agree();
        _claim(id, 900);
        bytes memory old = _voucher(SIGNER_KEY, id, 300);
        vm.expectPartialRevert(IOCASC.OCASC_BadDue.selector);
        vm.prank(CONSUMER);
        ocasc.claim(id, 300, old);
    }

    // ---------------------------------------------------------------------------------------------------- around money

    function test_MoneyThatNobodyAskedFor_IsNotTaken() public {
        vm.prank(STRANGER);
        (bool ok,) = address(ocasc).call{ value: 1 }("");
        vm.assertFalse(ok, "no receive()");
        bytes32 id = _agree();
        vm.prank(OWNER);
        (ok,) = address(ocasc).call{ value: 1 }(abi.encodeCall(IOCASC.quit, (id)));
        vm.assertFalse(ok, "not payable");
    }

    function test_ForcedDonations_ChangeNothing() public {
        currency = address(token);
        bytes32 id = _agree();
        vm.deal(address(ocasc), 1 ether);
        token.mint(address(ocasc), 1 ether);
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        vm.assertEq(ocasc.credit(address(token), OWNER), uint256(FEE) + BOND, "the owner's credit");
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        vm.prank(CONSUMER);
        ocasc.withdraw(address(token), CONSUMER);
        vm.assertEq(token.balanceOf(address(ocasc)), 1 ether, "the donation stays");
    }

    function test_ARefusedPayment_LeavesTheCredit() public {
        Reenterer payee = new Reenterer();
        payee.refuse(true);
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        vm.expectRevert(abi.encodeWithSelector(Reenterer.PaymentRefused.selector));
        vm.prank(OWNER);
        ocasc.withdraw(address(0), address(payee));
        _assertMoney(address(0), uint256(PRICE) + BOND, 0, 0);
        vm.prank(OWNER);
        ocasc.withdraw(address(0), OWNER);
        _assertMoney(address(0), 0, 0, 0);
    }

    function test_WithdrawingToTheContractItself_Reverts() public {
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        vm.expectRevert();
        vm.prank(OWNER);
        ocasc.withdraw(address(0), address(ocasc));

        currency = address(token);
        id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        vm.expectPartialRevert(IOCASC.OCASC_WrongAmount.selector);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), address(ocasc));
        _assertMoney(address(token), uint256(PRICE) + BOND, 0, 0);
    }

    function test_Stakes_OfOneAgreementDoNotPayForAnother() public {
        _dispute();
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        vm.prank(OWNER);
        ocasc.withdraw(address(0), OWNER);
        _assertMoney(address(0), 0, 0, uint256(PRICE) + BOND + STAKE);
    }

    // ------------------------------------------------------------------------------------------------------ reentrancy

    function test_Reentrancy_ThroughTheReceiverOfNativeCoin() public {
        Reenterer payee = new Reenterer();
        bytes[14] memory calls = _calls();
        for (uint256 i = 0; i < calls.length; ++i) {
            _creditOwner();
            payee.arm(address(ocasc), calls[i]);
            vm.prank(OWNER);
            ocasc.withdraw(address(0), address(payee));
            _assertFended(payee);
        }
    }

    function test_Reentrancy_ThroughATokenOnItsWayOut() public {
        currency = address(token);
        Reenterer hook = new Reenterer();
        bytes[14] memory calls = _calls();
        for (uint256 i = 0; i < calls.length; ++i) {
            _creditOwner();
            token.setHook(address(hook));
            hook.arm(address(ocasc), calls[i]);
            vm.prank(OWNER);
            ocasc.withdraw(address(token), OWNER);
            _assertFended(hook);
            token.setHook(address(0));
        }
    }

    function test_Reentrancy_ThroughATokenOnItsWayIn() public {
        currency = address(token);
        Reenterer hook = new Reenterer();
        bytes[14] memory calls = _calls();
        token.setHook(address(hook));
        for (uint256 i = 0; i < calls.length; ++i) {
            hook.arm(address(ocasc), calls[i]);
            bytes32 id = _offer(_terms());
            _assertFended(hook);
            hook.arm(address(ocasc), calls[i]);
            _accept(id);
            _assertFended(hook);
        }
    }

    /// @dev A receiver with a credit of its own tries to be paid twice.
    function test_Reentrancy_DoesNotPayTwice() public {
        Reenterer consumer = new Reenterer();
        _agree();
        bytes32 id = _offer(_terms());
        consumer.act{ value: PRICE }(
            address(ocasc), PRICE, abi.encodeCall(IOCASC.accept, (id, vm.addr(SIGNER_KEY), CONSUMER_KEY))
        );
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        bytes memory again = abi.encodeCall(IOCASC.withdraw, (address(0), address(consumer)));
        consumer.arm(address(ocasc), again);
        consumer.act(address(ocasc), 0, again);
        _assertFended(consumer);
        vm.assertEq(address(consumer).balance, PRICE - FEE, "once");
        _assertMoney(address(0), uint256(FEE) + BOND, 0, uint256(PRICE) + BOND);
    }

    function _creditOwner() private {
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
    }

    function _calls() private returns (bytes[14] memory calls) {
        bytes32 id = _agree();
        calls[0] = abi.encodeCall(IOCASC.offer, ("sold", 0, _terms(), AGENT, OWNER_KEY));
        calls[1] = abi.encodeCall(IOCASC.cancel, (id));
        calls[2] = abi.encodeCall(IOCASC.accept, (id, AGENT, CONSUMER_KEY));
        calls[3] = abi.encodeCall(IOCASC.claim, (id, 500, _voucher(SIGNER_KEY, id, 500)));
        calls[4] = abi.encodeCall(IOCASC.challenge, (id, 7, 1));
        calls[5] = abi.encodeCall(IOCASC.respond, (id, _honest(id, 7, 1)));
        calls[6] = abi.encodeCall(IOCASC.breach, (id));
        calls[7] = abi.encodeCall(IOCASC.approve, (id));
        calls[8] = abi.encodeCall(IOCASC.quit, (id));
        calls[9] = abi.encodeCall(IOCASC.close, (id));
        calls[10] = abi.encodeCall(IOCASC.withdraw, (currency, STRANGER));
        calls[11] = abi.encodeCall(IOCASC.withdrawPart, (currency, STRANGER, 1));
        calls[12] = abi.encodeCall(IOCASC.lapse, (id));
        calls[13] = abi.encodeCall(IOCASC.demandKey, (id, 7));
    }

    function _assertFended(Reenterer who) private view {
        vm.assertTrue(who.tried(), "it has tried");
        vm.assertFalse(who.succeeded(), "in vain");
        vm.assertEq(who.answer(), abi.encodeWithSelector(REENTRANT), "because of the guard");
    }
}
