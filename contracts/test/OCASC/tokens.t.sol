// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { vm } from "../Cheats.sol";
import { ShareToken } from "../model/ShareToken.sol";
import { OcascTest } from "./OcascTest.sol";

/// @title tokens.tree, leaf by leaf
contract TokensTest is OcascTest {
    ShareToken private shares;

    function setUp() public override {
        super.setUp();
        shares = new ShareToken();
        address[3] memory rich = [OWNER, CONSUMER, STRANGER];
        for (uint256 i = 0; i < rich.length; ++i) {
            shares.mint(rich[i], 1e24);
            vm.prank(rich[i]);
            shares.approve(address(ocasc), type(uint256).max);
        }
    }

    function test_ATokenThatAnswersFalse_MovesNothing() public {
        currency = address(token);
        bytes32 id = _agree();
        bytes32 offered = _offer(_terms());
        vm.prank(CONSUMER);
        ocasc.approve(id);
        token.setAnswers(true, false);
        IOCASC.Terms memory terms = _terms();
        bytes memory reason = abi.encodeWithSignature("SafeERC20FailedOperation(address)", token);
        vm.expectRevert(reason);
        _offer(terms);
        vm.expectRevert(reason);
        vm.prank(CONSUMER);
        ocasc.accept(offered, AGENT, CONSUMER_KEY);
        vm.expectRevert(reason);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        _assertMoney(address(token), uint256(PRICE) + BOND, 0, BOND);
    }

    function test_ATokenThatAnswersNothing_IsTaken() public {
        currency = address(token);
        token.setAnswers(false, true);
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        _assertMoney(address(token), 0, 0, 0);
    }

    function test_ATokenThatIsNoContract_IsRefused() public {
        currency = address(0x70CE2);
        IOCASC.Terms memory terms = _terms();
        vm.expectRevert();
        _offer(terms);
    }

    function test_ATokenThatTakesAFee_IsRefused() public {
        currency = address(token);
        bytes32 offered = _offer(_terms());
        token.setFee(1);
        IOCASC.Terms memory terms = _terms();
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongAmount.selector, token, BOND - 1, BOND));
        _offer(terms);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongAmount.selector, token, PRICE - 1, PRICE));
        vm.prank(CONSUMER);
        ocasc.accept(offered, AGENT, CONSUMER_KEY);
        _assertState(offered, IOCASC.State.Offered);
        _assertMoney(address(token), 0, 0, BOND);
    }

    function test_ATokenThatLaterTakesAFee_PaysOutOfItsReceiversShare() public {
        currency = address(token);
        bytes32 id = _agree();
        _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        token.setFee(1);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), address(0x70));
        vm.assertEq(token.balanceOf(address(0x70)), uint256(PRICE) + BOND - 1, "less the token's own fee");
        _assertMoney(address(token), 0, 0, uint256(PRICE) + BOND);
    }

    function test_ATokenThatTakesFromTheSender_CannotTakeFromOthers() public {
        currency = address(token);
        bytes32 id = _agree();
        _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        token.setSurcharge(1);
        uint256 credit = uint256(PRICE) + BOND;
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongAmount.selector, token, credit + 1, credit));
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        _assertMoney(address(token), credit, 0, credit);
        // A part goes, and what was taken beside is taken out of the rest
        vm.prank(OWNER);
        ocasc.withdrawPart(address(token), OWNER, 100);
        credit -= 101;
        _assertMoney(address(token), credit, 0, credit + 101);
        // A donation is nobody's: it can pay for it
        token.mint(address(ocasc), 1);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        _assertMoney(address(token), 0, 0, credit + 101);
    }

    function test_ABlacklistedParty_DoesNotHoldUpTheOther() public {
        currency = address(token);
        bytes32 id = _dispute();
        token.setBlacklisted(OWNER, true);
        _breachNow(id);
        vm.prank(CONSUMER);
        ocasc.withdraw(address(token), CONSUMER);
        vm.expectPartialRevert(bytes4(keccak256("Blacklisted(address)")));
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        // To another account it can go
        vm.prank(OWNER);
        ocasc.withdraw(address(token), address(0x70));
        _assertMoney(address(token), 0, 0, 0);
    }

    function test_ABlacklistedContract_KeepsTheCredits() public {
        currency = address(token);
        bytes32 id = _agree();
        token.setBlacklisted(address(ocasc), true);
        vm.prank(CONSUMER);
        ocasc.approve(id);
        vm.expectPartialRevert(bytes4(keccak256("Blacklisted(address)")));
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        token.setBlacklisted(address(ocasc), false);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        _assertMoney(address(token), 0, 0, 0);
    }

    function test_ATokenThatRefusesToMoveNothing_IsNotAskedTo() public {
        currency = address(token);
        token.setRefusesNothing(true);
        IOCASC.Terms memory terms = _terms();
        (terms.fee, terms.bond) = (0, 0);
        bytes32 id = _offer(terms);
        _accept(id);
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        _assertMoney(address(token), 0, PRICE, 0);
    }

    function test_ATokenThatMovesHalf_LeavesTheRestACredit() public {
        currency = address(token);
        _creditAll();
        uint256 credit = uint256(PRICE) + BOND;
        token.setMoves(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongAmount.selector, token, 0, credit));
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        _assertMoney(address(token), credit, 0, 0);
        token.setMoves(1, 2);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), address(0x70));
        _assertMoney(address(token), credit - credit / 2, 0, 0);
        token.setMoves(1, 1);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), address(0x70));
        _assertMoney(address(token), 0, 0, 0);
        vm.assertEq(token.balanceOf(address(0x70)), credit, "all of it in the end");
    }

    // ------------------------------------------------------------------------------------------------- less, and more

    function test_ATokenThatBecomesLessByAUnit_IsPaidAsWhatIsThere() public {
        currency = address(token);
        (bytes32 id,) = _two();
        token.burn(address(ocasc), 1);
        uint256 total = ocasc.owed(address(token));
        uint256 owners = ocasc.credit(address(token), OWNER);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), address(0x70));
        vm.assertEq(token.balanceOf(address(0x70)), owners * (total - 1) / total, "a unit less, at most");
        vm.assertEq(ocasc.credit(address(token), OWNER), 0, "all of the credit");
        // The last creditor gets the last unit
        vm.prank(CONSUMER);
        ocasc.withdraw(address(token), address(0x71));
        vm.assertEq(token.balanceOf(address(ocasc)), 0, "nothing is left");
        vm.assertEq(ocasc.owed(address(token)), 0, "nothing is owed");
        vm.assertEq(token.balanceOf(address(0x71)) + token.balanceOf(address(0x70)), total - 1, "all that was there");
        _assertState(id, IOCASC.State.Closed);
    }

    function test_ATokenThatBecameLess_IsBroughtInByNobody() public {
        currency = address(token);
        bytes32 active = _agree();
        bytes32 offered = _offer(_terms());
        token.burn(address(ocasc), 1);
        (uint256 held, uint256 total) = (token.balanceOf(address(ocasc)), ocasc.owed(address(token)));
        IOCASC.Terms memory terms = _terms();
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_TokenShort.selector, token, held, total));
        _offer(terms);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_TokenShort.selector, token, held, total));
        vm.prank(CONSUMER);
        ocasc.accept(offered, AGENT, CONSUMER_KEY);
        // What was made ends as it would
        vm.prank(OWNER);
        ocasc.cancel(offered);
        vm.prank(CONSUMER);
        ocasc.approve(active);
        // Other tokens are not concerned, and nor is this one when it is whole again
        terms.token = address(0);
        _offer(terms);
        token.mint(address(ocasc), 1);
        _agree();
    }

    function test_ATokenThatBecameNothing_LeavesCredits() public {
        currency = address(token);
        _creditAll();
        uint256 credit = uint256(PRICE) + BOND;
        token.burn(address(ocasc), credit);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongAmount.selector, token, 0, 0));
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        vm.assertEq(ocasc.credit(address(token), OWNER), credit, "credit");
        token.mint(address(ocasc), credit);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), OWNER);
        _assertMoney(address(token), 0, 0, 0);
    }

    function test_ATokenThatBecameMore_PaysCreditsAsTheyAre() public {
        currency = address(token);
        _two();
        uint256 total = ocasc.owed(address(token));
        token.mint(address(ocasc), 100);
        // What is more goes first
        token.burn(address(ocasc), 60);
        vm.prank(OWNER);
        ocasc.withdraw(address(token), address(0x70));
        vm.prank(CONSUMER);
        ocasc.withdraw(address(token), address(0x71));
        vm.assertEq(token.balanceOf(address(0x71)) + token.balanceOf(address(0x70)), total, "as they are");
        vm.assertEq(token.balanceOf(address(ocasc)), 40, "nobody's");
    }

    /// @dev Whatever is there, and in whatever order they come: everybody gets that part of a credit, or more.
    function testFuzz_EveryCreditorGetsThePartThatIsThere(uint128[5] memory credits, uint256 left, uint256 dice)
        public
    {
        currency = address(token);
        uint256 total = 0;
        for (uint256 i = 0; i < 5; ++i) {
            credits[i] = uint128(1 + credits[i] % 1e30);
            total += _creditOf(address(uint160(0xC00 + i)), credits[i]);
        }
        uint256 held = left % (total + 1);
        token.burn(address(ocasc), total - held);
        uint256 paid = 0;
        for (uint256 i = 0; i < 5; ++i) {
            uint256 who = (i + dice % 5) % 5;
            address account = address(uint160(0xC00 + who));
            uint256 least = uint256(credits[who]) * held / total;
            vm.prank(account);
            try ocasc.withdraw(address(token), account) { }
            catch {
                // Only where a credit is less than a unit of what is there
                vm.assertEq(least, 0, "not even a unit");
            }
            vm.assertTrue(token.balanceOf(account) >= least, "that part, or more");
            vm.assertTrue(token.balanceOf(account) <= credits[who], "no more than the credit");
            paid += token.balanceOf(account);
        }
        vm.assertTrue(paid <= held, "what was there");
        vm.assertTrue(held - paid <= 5, "and all of it, but for what is less than a unit each");
    }

    // ---------------------------------------------------------------------------------------------------------- shares

    function test_AShareTokenThatRoundsDown_IsRefusedWhenAnotherAmountComesIn() public {
        currency = address(shares);
        shares.setPooled(shares.totalShares() * 13 / 10);
        IOCASC.Terms memory terms = _terms();
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongAmount.selector, shares, BOND - 2, BOND));
        _offer(terms);
    }

    function testFuzz_AShareTokenThatRoundsDown_IsPaidOutAtAnyRate(uint256 rate) public {
        currency = address(shares);
        _two();
        shares.setPooled(shares.totalShares() * (1 + rate % 4e6) / 2e6);
        _everybodyIsPaid(ShareToken.Rounding.Down);
    }

    function testFuzz_AShareTokenThatRoundsHalfUp_IsPaidOutAtAnyRate(uint256 rate) public {
        currency = address(shares);
        _two();
        shares.setPooled(shares.totalShares() * (1 + rate % 4e6) / 2e6);
        _everybodyIsPaid(ShareToken.Rounding.HalfUp);
    }

    function testFuzz_AShareTokenThatRoundsUp_IsPaidOutAtAnyRate(uint256 rate) public {
        currency = address(shares);
        _two();
        shares.setPooled(shares.totalShares() * (1 + rate % 4e6) / 2e6);
        _everybodyIsPaid(ShareToken.Rounding.Up);
    }

    /// @dev Each takes out the whole or, where that would take others' units, a little less: as a program does.
    function _everybodyIsPaid(ShareToken.Rounding rounding) private {
        shares.setRounding(rounding);
        (uint256 held, uint256 total) = (shares.balanceOf(address(ocasc)), ocasc.owed(address(shares)));
        // A share is worth so many units at the most, and so much of a credit can be rounded off, one way or the other
        uint256 unit = 2 + shares.pooled() / shares.totalShares();
        uint256 less = held < total ? 1 + unit * total / (held + 1) : unit;
        address[2] memory accounts = [OWNER, CONSUMER];
        uint256 paid = 0;
        for (uint256 i = 0; i < 2; ++i) {
            address to = address(uint160(0x70 + i));
            uint256 credit = ocasc.credit(address(shares), accounts[i]);
            uint256 part = held < total ? credit * held / total : credit;
            vm.prank(accounts[i]);
            try ocasc.withdraw(address(shares), to) { }
            catch {
                if (credit <= less || part <= 2 * unit) continue;
                vm.prank(accounts[i]);
                ocasc.withdrawPart(address(shares), to, credit - less);
            }
            paid += shares.balanceOf(to);
            vm.assertTrue(shares.balanceOf(to) + 2 * unit >= part, "the part that is there");
            vm.assertTrue(_ratioHolds(held, total), "the others have no less than before");
        }
        vm.assertTrue(paid <= held + 2, "what was there");
    }

    /// @dev What is there of what is owed is no smaller a part than before.
    function _ratioHolds(uint256 held, uint256 total) private view returns (bool) {
        (uint256 heldNow, uint256 totalNow) = (shares.balanceOf(address(ocasc)), ocasc.owed(address(shares)));
        return held < total ? heldNow * total >= held * totalNow : heldNow >= totalNow;
    }

    function test_AShareTokenThatRoundsUp_TakesTheUnitFromNobody() public {
        currency = address(shares);
        _two();
        // A unit is three quarters of a share, so a share moves more than a unit; all that is there is owed
        shares.setPooled(shares.totalShares() * 4 / 3);
        shares.setRounding(ShareToken.Rounding.Up);
        uint256 surplus = shares.balanceOf(address(ocasc)) - ocasc.owed(address(shares));
        vm.assertTrue(surplus > 1000, "it has become more");
        uint256 credit = ocasc.credit(address(shares), OWNER);
        vm.prank(OWNER);
        ocasc.withdraw(address(shares), address(0x70));
        vm.assertTrue(shares.balanceOf(address(0x70)) >= credit, "the whole");
        vm.assertTrue(shares.balanceOf(address(ocasc)) >= ocasc.owed(address(shares)), "the others' is there");
    }

    // -------------------------------------------------------------------------------------------------------- the bench

    /// @dev Both parties have a credit, and nothing else is owed.
    function _two() private returns (bytes32 id, uint256 total) {
        id = _agree();
        _claim(id, 500);
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        total = ocasc.owed(currency);
    }

    function _creditAll() private {
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
    }

    /// @dev An account sells to itself, as it were, to have a credit.
    function _creditOf(address account, uint128 amount) private returns (uint256) {
        IOCASC.Terms memory terms = _terms();
        (terms.price, terms.fee, terms.bond) = (amount, 0, 0);
        bytes32 id = _offer(terms);
        token.mint(account, amount);
        vm.prank(account);
        token.approve(address(ocasc), amount);
        vm.prank(account);
        ocasc.accept(id, vm.addr(SIGNER_KEY), CONSUMER_KEY);
        vm.warp(block.timestamp + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        return amount;
    }
}
