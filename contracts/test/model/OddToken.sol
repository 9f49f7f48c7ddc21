// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An ERC-20 token that can be told to misbehave in every way that tokens do
contract OddToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;
    mapping(address account => bool) public blacklisted;

    /// @dev What the receiver does not get, and what the sender loses beside, of every transfer.
    uint256 public fee;
    uint256 public surcharge;
    /// @dev What part of an amount moves at all.
    uint256 private _moved = 1;
    uint256 private _of = 1;
    bool public answersFalse;
    bool public answersNothing;
    bool public refusesNothing;

    /// @dev Called in the midst of every transfer, as an ERC-777 would, with what `arm` was given.
    address public hook;

    event Transfer(address indexed from, address indexed to, uint256 amount);

    error Blacklisted(address account);
    error MovesNothing();

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function setFee(uint256 amount) external {
        fee = amount;
    }

    function setSurcharge(uint256 amount) external {
        surcharge = amount;
    }

    function burn(address from, uint256 amount) external {
        balanceOf[from] -= amount;
    }

    function setMoves(uint256 moved, uint256 of_) external {
        (_moved, _of) = (moved, of_);
    }

    function setAnswers(bool isFalse, bool isNothing) external {
        (answersFalse, answersNothing) = (isFalse, isNothing);
    }

    function setRefusesNothing(bool refuses) external {
        refusesNothing = refuses;
    }

    function setBlacklisted(address account, bool is_) external {
        blacklisted[account] = is_;
    }

    function setHook(address target) external {
        hook = target;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        _answer();
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        _answer();
    }

    function _move(address from, address to, uint256 amount) private {
        if (blacklisted[from]) revert Blacklisted(from);
        if (blacklisted[to]) revert Blacklisted(to);
        if (refusesNothing && amount == 0) revert MovesNothing();
        if (answersFalse) return;
        amount = amount * _moved / _of;
        balanceOf[from] -= amount + surcharge;
        balanceOf[to] += amount - fee;
        emit Transfer(from, to, amount - fee);
        if (hook != address(0)) IHook(hook).onTransfer();
    }

    /// @dev Ends the call: some tokens answer nothing where the standard says `bool`.
    function _answer() private view {
        bool result = !answersFalse;
        uint256 length = answersNothing ? 0 : 32;
        assembly ("memory-safe") {
            mstore(0, result)
            return(0, length)
        }
    }
}

interface IHook {
    function onTransfer() external;
}
