// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IOCASC } from "../../src/interfaces/IOCASC.sol";
import { Cheats, vm } from "../Cheats.sol";
import { OcascTest } from "./OcascTest.sol";

/// @title offer.tree, leaf by leaf
abstract contract OfferTest is OcascTest {
    // ----------------------------------------------------------------------------------------------------- constructor

    function test_Constructor_Reverts_WithAnImpossibleWindow() public {
        uint32[2] memory windows = [uint32(0), 30 days + 1];
        for (uint256 i = 0; i < windows.length; ++i) {
            bytes memory arguments = abi.encode(address(dissc), windows[i], ANSWER_GAS, DEMAND_GAS);
            (address made, bytes memory answer) = _create(bytes.concat(vm.getCode("OCASC.sol:OCASC"), arguments));
            vm.assertEq(made, address(0), "nothing was made");
            vm.assertEq(
                answer, abi.encodeWithSelector(IOCASC.OCASC_BadWindow.selector, windows[i], 1, 30 days), "reason"
            );
        }
    }

    function _create(bytes memory initCode) private returns (address made, bytes memory answer) {
        assembly ("memory-safe") {
            made := create(0, add(initCode, 32), mload(initCode))
            answer := mload(0x40)
            mstore(answer, returndatasize())
            returndatacopy(add(answer, 32), 0, returndatasize())
            mstore(0x40, add(answer, and(add(returndatasize(), 63), not(31))))
        }
    }

    function test_Constructor_KeepsWhatItWasGiven() public {
        uint32[2] memory windows = [uint32(1), 30 days];
        for (uint256 i = 0; i < windows.length; ++i) {
            IOCASC one = _deployOcasc(windows[i], 77, 55);
            vm.assertEq(one.minWindow(), windows[i], "minWindow");
            vm.assertEq(one.answerGas(), 77, "answerGas");
            vm.assertEq(one.demandGas(), 55, "demandGas");
            vm.assertEq(address(one.dissc()), address(dissc), "dissc");
        }
    }

    // ----------------------------------------------------------------------------------------------------------- offer

    function test_Offer_Reverts_ForAnyoneButTheOwner() public {
        IOCASC.Terms memory terms = _terms();
        address[2] memory others = [STRANGER, vm.addr(DEVICE_KEY)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.deal(others[i], BOND);
            vm.expectRevert(_notOwner(terms.dataset, others[i], "sold", 0));
            vm.prank(others[i]);
            ocasc.offer{ value: _value(currency, BOND) }("sold", 0, terms, AGENT, OWNER_KEY);
        }
        // The owner's own, by another name or kind
        vm.expectRevert(_notOwner(terms.dataset, OWNER, "Sold", 0));
        vm.prank(OWNER);
        ocasc.offer{ value: _value(currency, BOND) }("Sold", 0, terms, AGENT, OWNER_KEY);
        vm.expectRevert(_notOwner(terms.dataset, OWNER, "sold", 1));
        vm.prank(OWNER);
        ocasc.offer{ value: _value(currency, BOND) }("sold", 1, terms, AGENT, OWNER_KEY);
        terms.dataset = "nobody's";
        _refused(terms, _notOwner("nobody's", OWNER, "sold", 0));
    }

    function test_Offer_Reverts_ForADatasetThatIsNotOnTheChain() public {
        IOCASC.Terms memory terms = _terms();
        terms.dataset = _id(OWNER, "in rounds", 1);
        (terms.first, terms.count) = (0, 1);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_RangeNotRecorded.selector, 0, 1, 0));
        vm.prank(OWNER);
        ocasc.offer{ value: _value(currency, BOND) }("in rounds", 1, terms, AGENT, OWNER_KEY);
    }

    function _notOwner(bytes32 dataset, address caller, bytes32 name, uint8 kind) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOCASC.OCASC_NotDatasetOwner.selector, dataset, caller, name, kind);
    }

    function test_Offer_Reverts_ForBlocksThatAreNotRecorded() public {
        uint64 size = SIZE;
        uint64[5] memory firsts = [uint64(0), size, size - 1, 0, type(uint64).max];
        uint32[5] memory counts = [uint32(0), 1, 2, uint32(size) + 1, type(uint32).max];
        for (uint256 i = 0; i < firsts.length; ++i) {
            IOCASC.Terms memory terms = _terms();
            (terms.first, terms.count) = (firsts[i], counts[i]);
            _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_RangeNotRecorded.selector, firsts[i], counts[i], size));
        }
    }

    function test_Offer_Reverts_WithTooHighAFee() public {
        uint128[2] memory prices = [uint128(99), 100];
        uint128[2] memory bonds = [uint128(100), 99];
        for (uint256 i = 0; i < prices.length; ++i) {
            IOCASC.Terms memory terms = _terms();
            (terms.fee, terms.price, terms.bond) = (100, prices[i], bonds[i]);
            _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_FeeTooHigh.selector, uint128(100), prices[i], bonds[i]));
        }
    }

    function test_Offer_Reverts_WithAnImpossibleWindow() public {
        uint32[3] memory windows = [uint32(0), MIN_WINDOW - 1, 30 days + 1];
        for (uint256 i = 0; i < windows.length; ++i) {
            IOCASC.Terms memory terms = _terms();
            terms.window = windows[i];
            _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_BadWindow.selector, windows[i], MIN_WINDOW, 30 days));
        }
    }

    function test_Offer_Reverts_WithAnImpossibleDuration() public {
        uint32[4] memory durations = [uint32(0), 1, MIN_WINDOW - 1, 1825 days + 1];
        for (uint256 i = 0; i < durations.length; ++i) {
            IOCASC.Terms memory terms = _terms();
            terms.duration = durations[i];
            _refused(
                terms, abi.encodeWithSelector(IOCASC.OCASC_BadDuration.selector, durations[i], MIN_WINDOW, 1825 days)
            );
        }
    }

    function test_Offer_Reverts_WithTooManySamples() public {
        IOCASC.Terms memory terms = _terms();
        terms.samples = 4097;
        _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_TooManySamples.selector, 4097, 4096));
    }

    function test_Offer_Reverts_WithTooManyPreviews() public {
        IOCASC.Terms memory terms = _terms();
        (terms.samples, terms.previews) = (5, 6);
        _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_TooManyPreviews.selector, 6, 5));
        (terms.samples, terms.previews) = (0, 1);
        _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_TooManyPreviews.selector, 1, 0));
        (terms.samples, terms.previews) = (9, 9);
        _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_TooManyPreviews.selector, 9, 8));
        (terms.samples, terms.previews) = (4096, 255);
        _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_TooManyPreviews.selector, 255, 8));
    }

    function test_Offer_Reverts_WithoutQuestions() public {
        IOCASC.Terms memory terms = _terms();
        (terms.maxChallenges, terms.maxDemands) = (0, 1);
        _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_NoQuestions.selector, 0, 1));
        (terms.maxChallenges, terms.maxDemands) = (1, 0);
        _refused(terms, abi.encodeWithSelector(IOCASC.OCASC_NoQuestions.selector, 1, 0));
    }

    function test_Offer_Reverts_WithoutAnAgentOrAKey() public {
        IOCASC.Terms memory terms = _terms();
        uint256 value = _value(currency, BOND);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_ZeroAccount.selector));
        vm.prank(OWNER);
        ocasc.offer{ value: value }("sold", 0, terms, address(0), OWNER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_ZeroEncryptionKey.selector));
        vm.prank(OWNER);
        ocasc.offer{ value: value }("sold", 0, terms, AGENT, 0);
    }

    function test_Offer_Reverts_WithAnotherValue() public {
        IOCASC.Terms memory terms = _terms();
        uint256 expected = _value(currency, BOND);
        uint256[3] memory values = [expected + 1, expected == 0 ? 1 : expected - 1, expected == 0 ? BOND : 0];
        for (uint256 i = 0; i < values.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongValue.selector, values[i], expected));
            vm.prank(OWNER);
            ocasc.offer{ value: values[i] }("sold", 0, terms, AGENT, OWNER_KEY);
        }
    }

    function test_Offer_TakesTheBondAndKeepsTheTerms() public {
        IOCASC.Terms memory terms = _terms();
        bytes32 id = _offer(terms);
        (uint64 size, bytes32 root) = dissc.head(model.dataset);
        IOCASC.Agreement memory expected;
        expected.terms = terms;
        expected.root = root;
        expected.size = size;
        expected.owner = OWNER;
        expected.state = IOCASC.State.Offered;
        expected.agent = AGENT;
        expected.ownerEncryptionKey = OWNER_KEY;
        vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
        _assertMoney(currency, 0, 0, BOND);
    }

    function test_Offer_NamesTheOfferAsTheDesignSays() public {
        IOCASC.Terms memory terms = _terms();
        (uint64 size, bytes32 root) = dissc.head(model.dataset);
        for (uint256 nonce = 0; nonce < 3; ++nonce) {
            vm.assertEq(ocasc.offers(OWNER), nonce, "nonce");
            bytes32 expected = keccak256(
                abi.encode(block.chainid, address(ocasc), OWNER, nonce, terms, root, size, AGENT, OWNER_KEY)
            );
            vm.assertEq(_offer(terms), expected, "id");
        }
    }

    function test_Offer_BindsEveryPartOfIt() public {
        IOCASC.Terms memory terms = _terms();
        (uint64 size, bytes32 root) = dissc.head(model.dataset);
        bytes32 id = _offer(terms);
        vm.assertEq(id, keccak256(_preimage(terms, root, size, AGENT, OWNER_KEY)), "but for these");
        vm.assertFalse(id == keccak256(_preimage(terms, ~root, size, AGENT, OWNER_KEY)), "the root");
        vm.assertFalse(id == keccak256(_preimage(terms, root, size + 1, AGENT, OWNER_KEY)), "the size");
        vm.assertFalse(id == keccak256(_preimage(terms, root, size, STRANGER, OWNER_KEY)), "the agent");
        vm.assertFalse(id == keccak256(_preimage(terms, root, size, AGENT, CONSUMER_KEY)), "the key");
        terms.price += 1;
        vm.assertFalse(id == keccak256(_preimage(terms, root, size, AGENT, OWNER_KEY)), "the terms");
    }

    function _preimage(IOCASC.Terms memory terms, bytes32 root, uint64 size, address agent, bytes32 key)
        private
        view
        returns (bytes memory)
    {
        return abi.encode(block.chainid, address(ocasc), OWNER, uint256(0), terms, root, size, agent, key);
    }

    function test_Offer_KeepsTheKind() public {
        for (uint8 kind = 0; kind <= 2; ++kind) {
            Model storage of_ = models[kind];
            _open(of_, OWNER_ACCOUNT_KEY, "each kind", kind, DEVICE_KEY);
            _grow(of_, 16);
            IOCASC.Terms memory terms = _terms();
            terms.dataset = of_.dataset;
            vm.assertEq(ocasc.agreement(_offerOf(of_, terms)).kind, kind, "kind");
        }
    }

    mapping(uint256 => Model) private models;

    function test_Offer_SaysSo() public {
        IOCASC.Terms memory terms = _terms();
        (uint64 size, bytes32 root) = dissc.head(model.dataset);
        vm.recordLogs();
        bytes32 id = _offer(terms);
        Cheats.Log memory log = vm.getRecordedLogs()[0];
        vm.assertEq(log.topics[0], IOCASC.Offered.selector, "Offered");
        vm.assertEq(log.topics[1], id, "id");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(OWNER))), "owner");
        vm.assertEq(log.topics[3], terms.dataset, "dataset");
        vm.assertEq(log.data, abi.encode(uint256(0), terms, root, size, uint8(0), AGENT, OWNER_KEY), "all the rest");
    }

    function test_Offer_TakesEveryLimitAtItsEdge() public {
        IOCASC.Terms memory terms = _terms();
        (terms.first, terms.count) = (0, uint32(SIZE));
        (terms.fee, terms.price, terms.bond) = (100, 100, 100);
        (terms.window, terms.duration, terms.samples, terms.previews) = (MIN_WINDOW, MIN_WINDOW, 4096, 8);
        (terms.maxChallenges, terms.maxDemands) = (1, 1);
        _assertState(_offer(terms), IOCASC.State.Offered);
        (terms.window, terms.duration) = (30 days, 1825 days);
        (terms.first, terms.count) = (SIZE - 1, 1);
        (terms.samples, terms.previews) = (3, 3);
        _assertState(_offer(terms), IOCASC.State.Offered);
    }

    function test_Offer_MovesNothingForNoBond() public {
        token.setRefusesNothing(true);
        IOCASC.Terms memory terms = _terms();
        (terms.fee, terms.price, terms.bond) = (0, 0, 0);
        bytes32 id = _offer(terms);
        _accept(id);
        _assertState(id, IOCASC.State.Active);
        _assertMoney(currency, 0, 0, 0);
    }

    function _refused(IOCASC.Terms memory terms, bytes memory reason) private {
        uint256 value = _value(currency, terms.bond);
        vm.expectRevert(reason);
        vm.prank(OWNER);
        ocasc.offer{ value: value }("sold", 0, terms, AGENT, OWNER_KEY);
    }

    // ---------------------------------------------------------------------------------------------------------- cancel

    function test_Cancel_Reverts_InAnotherState() public {
        bytes32 id = _offer(_terms());
        vm.prank(OWNER);
        ocasc.cancel(id);
        bytes32[4] memory ids = [bytes32("unknown"), id, _agree(), _dispute()];
        IOCASC.State[4] memory states =
            [IOCASC.State.None, IOCASC.State.Cancelled, IOCASC.State.Active, IOCASC.State.Challenged];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(_wrongState(ids[i], states[i]));
            vm.prank(OWNER);
            ocasc.cancel(ids[i]);
        }
    }

    function test_Cancel_Reverts_ForAnyoneButTheOwner() public {
        bytes32 id = _offer(_terms());
        address[3] memory others = [STRANGER, AGENT, CONSUMER];
        for (uint256 i = 0; i < 6; ++i) {
            if (i == 3) vm.warp(NOW + 1000 days);
            vm.expectRevert(_notAllowed(id, others[i % 3], OWNER));
            vm.prank(others[i % 3]);
            ocasc.cancel(id);
        }
    }

    function test_Cancel_CreditsTheBond() public {
        bytes32 early = _offer(_terms());
        bytes32 late = _offer(_terms());
        vm.recordLogs();
        vm.prank(OWNER);
        ocasc.cancel(early);
        Cheats.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IOCASC.OfferCancelled.selector, "OfferCancelled");
        vm.assertEq(logs[0].topics[1], early, "id");
        vm.assertEq(logs[1].topics[0], IOCASC.Credited.selector, "Credited");
        vm.assertEq(logs[1].topics[1], bytes32(uint256(uint160(currency))), "token");
        vm.assertEq(logs[1].topics[2], bytes32(uint256(uint160(OWNER))), "account");
        vm.assertEq(logs[1].topics[3], early, "id");
        vm.assertEq(logs[1].data, abi.encode(uint256(BOND)), "amount");
        _assertState(early, IOCASC.State.Cancelled);
        _assertMoney(currency, BOND, 0, BOND);
        vm.warp(NOW + 1000 days);
        vm.prank(OWNER);
        ocasc.cancel(late);
        _assertMoney(currency, 2 * BOND, 0, 0);
    }

    // ---------------------------------------------------------------------------------------------------------- accept

    function test_Accept_Reverts_InAnotherState() public {
        bytes32 id = _offer(_terms());
        vm.prank(OWNER);
        ocasc.cancel(id);
        bytes32[4] memory ids = [bytes32("unknown"), id, _agree(), _dispute()];
        IOCASC.State[4] memory states =
            [IOCASC.State.None, IOCASC.State.Cancelled, IOCASC.State.Active, IOCASC.State.Challenged];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(_wrongState(ids[i], states[i]));
            vm.prank(CONSUMER);
            ocasc.accept(ids[i], vm.addr(SIGNER_KEY), CONSUMER_KEY);
        }
    }

    function test_Accept_Reverts_ForAnotherConsumer() public {
        IOCASC.Terms memory terms = _terms();
        terms.consumer = CONSUMER;
        bytes32 id = _offer(terms);
        vm.expectRevert(_notAllowed(id, STRANGER, CONSUMER));
        vm.prank(STRANGER);
        ocasc.accept{ value: _value(currency, PRICE) }(id, vm.addr(SIGNER_KEY), CONSUMER_KEY);
        _accept(id);
        vm.assertEq(ocasc.agreement(id).consumer, CONSUMER, "the named consumer");
    }

    function test_Accept_Reverts_WhenItIsTooLate() public {
        bytes32 id = _offer(_terms());
        vm.warp(NOW + 1 days + 1);
        vm.expectRevert(_tooLate(id, NOW + 1 days));
        vm.prank(CONSUMER);
        ocasc.accept{ value: _value(currency, PRICE) }(id, vm.addr(SIGNER_KEY), CONSUMER_KEY);
    }

    function test_Accept_Reverts_WithoutASignerOrAKey() public {
        bytes32 id = _offer(_terms());
        uint256 value = _value(currency, PRICE);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_ZeroAccount.selector));
        vm.prank(CONSUMER);
        ocasc.accept{ value: value }(id, address(0), CONSUMER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_ZeroEncryptionKey.selector));
        vm.prank(CONSUMER);
        ocasc.accept{ value: value }(id, AGENT, 0);
    }

    function test_Accept_Reverts_WithAnotherValue() public {
        bytes32 id = _offer(_terms());
        uint256 expected = _value(currency, PRICE);
        uint256[3] memory values = [expected + 1, expected == 0 ? 1 : expected - 1, expected == 0 ? PRICE : 0];
        for (uint256 i = 0; i < values.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IOCASC.OCASC_WrongValue.selector, values[i], expected));
            vm.prank(CONSUMER);
            ocasc.accept{ value: values[i] }(id, AGENT, CONSUMER_KEY);
        }
    }

    function test_Accept_TakesThePrice() public {
        bytes32 id = _offer(_terms());
        IOCASC.Agreement memory expected = ocasc.agreement(id);
        vm.warp(NOW + 1 days);
        vm.recordLogs();
        _accept(id);
        Cheats.Log memory log = vm.getRecordedLogs()[0];

        uint64 end = NOW + 1 days + DURATION;
        expected.state = IOCASC.State.Active;
        expected.consumer = CONSUMER;
        expected.signer = vm.addr(SIGNER_KEY);
        expected.consumerEncryptionKey = CONSUMER_KEY;
        expected.end = end;
        expected.due = FEE;
        vm.assertEq(abi.encode(ocasc.agreement(id)), abi.encode(expected), "agreement");
        _assertMoney(currency, 0, 0, uint256(BOND) + PRICE);
        vm.assertEq(log.topics[0], IOCASC.Accepted.selector, "Accepted");
        vm.assertEq(log.topics[1], id, "id");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(CONSUMER))), "consumer");
        vm.assertEq(log.data, abi.encode(vm.addr(SIGNER_KEY), CONSUMER_KEY, end), "signer, key, end");
    }
}

contract OfferInNativeCoin is OfferTest { }

contract OfferInTokens is OfferTest {
    function setUp() public override {
        super.setUp();
        currency = address(token);
    }
}
