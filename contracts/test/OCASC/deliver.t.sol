// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { OcascTest } from "./OcascTest.sol";

/// @title deliver.tree, leaf by leaf
abstract contract DeliverTest is OcascTest {
    // ----------------------------------------------------------------------------------------------------------- claim

    function test_Claim_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        for (uint256 i = 0; i < ids.length; ++i) {
            bytes memory voucher = _voucher(SIGNER_KEY, ids[i], FEE + 1);
            vm.expectRevert(_wrongState(ids[i], ocasc.agreement(ids[i]).state));
            ocasc.claim(ids[i], FEE + 1, voucher);
        }
    }

    function test_Claim_Reverts_ForNoMoreThanIsDueOrTooMuch() public {
        bytes32 id = _agree();
        uint128[4] memory dues = [uint128(0), FEE, PRICE + 1, type(uint128).max];
        for (uint256 i = 0; i < dues.length; ++i) {
            _refused(id, dues[i], FEE);
        }
        _claim(id, 500);
        uint128[3] memory later = [FEE + 1, 499, 500];
        for (uint256 i = 0; i < later.length; ++i) {
            _refused(id, later[i], 500);
        }
    }

    function _refused(bytes32 id, uint128 due, uint128 current) private {
        bytes memory voucher = _voucher(SIGNER_KEY, id, due);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_BadDue.selector, id, due, current, PRICE));
        ocasc.claim(id, due, voucher);
    }

    function test_Claim_Reverts_WithAForgedVoucher() public {
        bytes32 id = _agree();
        bytes32 other = _agree();
        bytes memory good = _voucher(SIGNER_KEY, id, 500);
        bytes32 digest = _voucherDigest(block.chainid, address(ocasc), id, 500);
        bytes[12] memory forged;
        forged[0] = _voucher(DEVICE_KEY, id, 500);
        forged[1] = _voucher(SIGNER_KEY, other, 500);
        forged[2] = _voucher(SIGNER_KEY, id, 501);
        forged[3] = _sign(SIGNER_KEY, _voucherDigest(block.chainid + 1, address(ocasc), id, 500));
        forged[4] = _sign(SIGNER_KEY, _voucherDigest(block.chainid, address(dissc), id, 500));
        forged[5] = _sign(SIGNER_KEY, keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", digest)));
        forged[6] = _twin(good);
        forged[7] = bytes.concat(good, hex"00");
        forged[8] = "";
        forged[9] = new bytes(65);
        forged[10] = _withV(good, uint8(good[64]) - 27);
        forged[11] = abi.encodePacked(bytes32(uint256(1)), bytes32(uint256(1)), uint8(29));
        for (uint256 i = 0; i < forged.length; ++i) {
            vm.expectPartialRevert(IOCASC.OCASC_WrongSigner.selector);
            ocasc.claim(id, 500, forged[i]);
        }
        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(IOCASC.OCASC_WrongSigner.selector);
        ocasc.claim(id, 500, good);
        vm.assertEq(ocasc.agreement(id).due, FEE, "due");
    }

    function _withV(bytes memory signature, uint8 v) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s,) = _split(signature);
        return abi.encodePacked(r, s, v);
    }

    function test_Claim_RaisesWhatIsDue() public {
        bytes32 id = _dispute();
        uint128[4] memory dues = [FEE + 1, 500, PRICE - 1, PRICE];
        for (uint256 i = 0; i < dues.length; ++i) {
            if (i == 1) {
                vm.warp(DEADLINE + 1);
                ocasc.lapse(id);
            }
            if (i == 2) ocasc.respond(id, _honest(id, 7, 1));
            if (i == 3) vm.warp(NOW + DURATION + 365 days);
            bytes memory voucher = _voucher(SIGNER_KEY, id, dues[i]);
            vm.recordLogs();
            vm.prank(STRANGER);
            ocasc.claim(id, dues[i], voucher);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            vm.assertEq(logs.length, 1, "one event");
            vm.assertEq(logs[0].topics[0], IOCASC.Claimed.selector, "Claimed");
            vm.assertEq(logs[0].topics[1], id, "id");
            vm.assertEq(logs[0].data, abi.encode(dues[i]), "due");
            vm.assertEq(ocasc.agreement(id).due, dues[i], "due");
            IOCASC.State[4] memory states =
                [IOCASC.State.Challenged, IOCASC.State.Lapsed, IOCASC.State.Active, IOCASC.State.Active];
            _assertState(id, states[i]);
        }
        if (currency != address(0)) _assertMoney(currency, 0, 0, uint256(PRICE) + BOND);
    }

    // --------------------------------------------------------------------------------------------------------- approve

    function test_Approve_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        for (uint256 i = 0; i < 7; ++i) {
            bytes32 id = i < 5 ? ids[i] : i < 6 ? _dispute() : _lapsed();
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            vm.prank(CONSUMER);
            ocasc.approve(id);
        }
    }

    function test_Approve_Reverts_ForAnyoneButTheConsumer() public {
        bytes32 id = _agree();
        address[4] memory others = [OWNER, STRANGER, AGENT, vm.addr(SIGNER_KEY)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notAllowed(id, others[i], CONSUMER));
            vm.prank(others[i]);
            ocasc.approve(id);
        }
    }

    function test_Approve_CreditsEverythingToTheOwner() public {
        bytes32 early = _agree();
        bytes32 late = _agree();
        vm.recordLogs();
        vm.prank(CONSUMER);
        ocasc.approve(early);
        _assertClosed(vm.getRecordedLogs()[0], early, uint256(PRICE) + BOND, 0);
        vm.assertEq(ocasc.agreement(early).due, PRICE, "everything is due");
        _assertMoney(currency, uint256(PRICE) + BOND, 0, uint256(PRICE) + BOND);
        _claim(late, 500);
        vm.warp(NOW + DURATION + 365 days);
        vm.prank(CONSUMER);
        ocasc.approve(late);
        _assertMoney(currency, 2 * (uint256(PRICE) + BOND), 0, 0);
    }

    // ------------------------------------------------------------------------------------------------------------ quit

    function test_Quit_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        for (uint256 i = 0; i < 6; ++i) {
            bytes32 id = i < 5 ? ids[i] : _lapsed();
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            vm.prank(CONSUMER);
            ocasc.quit(id);
        }
    }

    function test_Quit_Reverts_ForAnyoneButTheConsumer() public {
        bytes32 id = _agree();
        address[4] memory others = [OWNER, STRANGER, AGENT, vm.addr(SIGNER_KEY)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(_notAllowed(id, others[i], CONSUMER));
            vm.prank(others[i]);
            ocasc.quit(id);
        }
    }

    function test_Quit_Reverts_WhenTheEndHasCome() public {
        bytes32 id = _agree();
        bytes32 quitted = _agree();
        vm.prank(CONSUMER);
        ocasc.quit(quitted);
        vm.expectRevert(_tooLate(quitted, NOW - 1));
        vm.prank(CONSUMER);
        ocasc.quit(quitted);
        vm.warp(NOW + DURATION);
        vm.expectRevert(_tooLate(id, NOW + DURATION - 1));
        vm.prank(CONSUMER);
        ocasc.quit(id);
    }

    function test_Quit_EndsItNow() public {
        bytes32[2] memory ids = [_agree(), _dispute()];
        vm.warp(NOW + DURATION - 1);
        for (uint256 i = 0; i < ids.length; ++i) {
            IOCASC.State before = ocasc.agreement(ids[i]).state;
            vm.recordLogs();
            vm.prank(CONSUMER);
            ocasc.quit(ids[i]);
            Cheats.Log[] memory logs = vm.getRecordedLogs();
            vm.assertEq(logs.length, 1, "one event");
            vm.assertEq(logs[0].topics[0], IOCASC.Quitted.selector, "Quitted");
            vm.assertEq(logs[0].topics[1], ids[i], "id");
            vm.assertEq(logs[0].data, abi.encode(NOW + DURATION - 1), "end");
            vm.assertEq(ocasc.agreement(ids[i]).end, NOW + DURATION - 1, "end");
            _assertState(ids[i], before);
        }
        if (currency != address(0)) _assertMoney(currency, 0, 0, 2 * (uint256(PRICE) + BOND));
    }

    // ----------------------------------------------------------------------------------------------------------- close

    function test_Close_Reverts_InAnotherState() public {
        bytes32[5] memory ids = _others();
        bytes32[2] memory open = [_dispute(), _lapsed()];
        vm.warp(NOW + 1000 days);
        for (uint256 i = 0; i < 7; ++i) {
            bytes32 id = i < 5 ? ids[i] : open[i - 5];
            vm.expectRevert(_wrongState(id, ocasc.agreement(id).state));
            vm.prank(OWNER);
            ocasc.close(id);
        }
    }

    function test_Close_Reverts_WhenItIsTooEarly() public {
        bytes32 id = _agree();
        vm.warp(NOW + DURATION - 1);
        _closeTooEarly(id, OWNER, NOW + DURATION);
        vm.warp(NOW + DURATION + WINDOW - 1);
        _closeTooEarly(id, STRANGER, NOW + DURATION + WINDOW);
        _closeTooEarly(id, CONSUMER, NOW + DURATION + WINDOW);
        _closeTooEarly(id, AGENT, NOW + DURATION + WINDOW);
    }

    function _closeTooEarly(bytes32 id, address caller, uint256 from) private {
        vm.expectRevert(_tooEarly(id, from));
        vm.prank(caller);
        ocasc.close(id);
    }

    function test_Close_DividesTheMoney() public {
        uint128[4] memory dues = [FEE, FEE + 1, 500, PRICE];
        uint256 owners = 0;
        uint256 consumers = 0;
        for (uint256 i = 0; i < dues.length; ++i) {
            vm.warp(NOW);
            bytes32 id = _agree();
            if (dues[i] > FEE) _claim(id, dues[i]);
            // By the owner at the end; by a stranger and the consumer a window later; by the owner after quitting
            address[4] memory callers = [OWNER, STRANGER, CONSUMER, OWNER];
            if (i == 3) {
                vm.prank(CONSUMER);
                ocasc.quit(id);
            } else {
                vm.warp(NOW + DURATION + (i == 0 ? 0 : WINDOW));
            }
            vm.recordLogs();
            vm.prank(callers[i]);
            ocasc.close(id);
            _assertClosed(vm.getRecordedLogs()[0], id, uint256(dues[i]) + BOND, PRICE - dues[i]);
            _assertState(id, IOCASC.State.Closed);
            owners += uint256(dues[i]) + BOND;
            consumers += PRICE - dues[i];
            _assertMoney(currency, owners, consumers, 0);
        }
    }

    function test_Close_GivesTheOwnerNothingButTheBond_WhenNothingIsDue() public {
        IOCASC.Terms memory terms = _terms();
        terms.fee = 0;
        bytes32 id = _offer(terms);
        _accept(id);
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        _assertMoney(currency, BOND, PRICE, 0);
    }

    function _assertClosed(Cheats.Log memory log, bytes32 id, uint256 toOwner, uint256 toConsumer) private pure {
        vm.assertEq(log.topics[0], IOCASC.Closed.selector, "Closed");
        vm.assertEq(log.topics[1], id, "id");
        vm.assertEq(log.data, abi.encode(toOwner, toConsumer), "who gets what");
    }

    // -------------------------------------------------------------------------------------------------------- withdraw

    function test_Withdraw_Reverts_WithoutACredit() public {
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        address elsewhere = currency == address(0) ? address(token) : address(0);
        address[3] memory callers = [CONSUMER, STRANGER, OWNER];
        for (uint256 i = 0; i < callers.length; ++i) {
            address of_ = i == 2 ? elsewhere : currency;
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoCredit.selector, of_, callers[i], 0, 0));
            vm.prank(callers[i]);
            ocasc.withdraw(of_, callers[i]);
        }
        uint256 credit = uint256(PRICE) + BOND;
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoCredit.selector, currency, OWNER, credit + 1, credit));
        vm.prank(OWNER);
        ocasc.withdrawPart(currency, OWNER, credit + 1);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoCredit.selector, currency, OWNER, 0, credit));
        vm.prank(OWNER);
        ocasc.withdrawPart(currency, OWNER, 0);
    }

    function test_Withdraw_Reverts_ToNobody() public {
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_ZeroAccount.selector));
            vm.prank(OWNER);
            if (i == 0) ocasc.withdraw(currency, address(0));
            else ocasc.withdrawPart(currency, address(0), 1);
        }
        _assertMoney(currency, uint256(PRICE) + BOND, 0, 0);
    }

    function test_Withdraw_PaysAPartOfIt() public {
        bytes32 id = _agree();
        vm.prank(CONSUMER);
        ocasc.approve(id);
        uint256 credit = uint256(PRICE) + BOND;
        vm.recordLogs();
        vm.prank(OWNER);
        ocasc.withdrawPart(currency, address(0x70), 100);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        Cheats.Log memory log = logs[logs.length - 1];
        vm.assertEq(log.data, abi.encode(address(0x70), uint256(100), uint256(100)), "to, credited, paid");
        _assertMoney(currency, credit - 100, 0, 0);
        vm.prank(OWNER);
        ocasc.withdrawPart(currency, address(0x70), credit - 100);
        _assertMoney(currency, 0, 0, 0);
    }

    function test_Withdraw_PaysAllOfIt() public {
        bytes32 id = _agree();
        _claim(id, 500);
        vm.warp(NOW + DURATION);
        vm.prank(OWNER);
        ocasc.close(id);
        // Stakes are in the native coin, whatever the currency
        id = _dispute();
        ocasc.respond(id, _honest(id, 7, 1));

        vm.recordLogs();
        vm.prank(OWNER);
        ocasc.withdraw(currency, address(0x70));
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        Cheats.Log memory log = logs[logs.length - 1];
        uint256 amount = 500 + uint256(BOND) + (currency == address(0) ? STAKE : 0);
        vm.assertEq(log.topics[0], IOCASC.Withdrawn.selector, "Withdrawn");
        vm.assertEq(log.topics[1], bytes32(uint256(uint160(currency))), "token");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(OWNER))), "account");
        vm.assertEq(log.data, abi.encode(address(0x70), amount, amount), "to, credited, paid");
        vm.assertEq(
            currency == address(0) ? address(0x70).balance : token.balanceOf(address(0x70)), amount, "has arrived"
        );
        _assertMoney(currency, 0, PRICE - 500, uint256(PRICE) + BOND);
        if (currency != address(0)) _assertMoney(address(0), STAKE, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_NoCredit.selector, currency, OWNER, 0, 0));
        vm.prank(OWNER);
        ocasc.withdraw(currency, address(0x70));
    }
}

contract DeliverInNativeCoin is DeliverTest { }

contract DeliverInTokens is DeliverTest {
    function setUp() public override {
        super.setUp();
        currency = address(token);
    }
}
