// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An ERC-20 token whose balances are shares of something that grows and shrinks
/// @dev Transfers are of whole shares, rounded down as Lido's stETH does it, half up as Aave's aTokens do it, or up.
contract ShareToken {
    enum Rounding {
        Down,
        HalfUp,
        Up
    }

    mapping(address account => uint256) public shares;
    mapping(address owner => mapping(address spender => uint256)) public allowance;
    uint256 public totalShares;
    uint256 public pooled;
    Rounding public rounding;

    event Transfer(address indexed from, address indexed to, uint256 amount);

    /// @dev At a rate of one to one.
    function mint(address to, uint256 amount) external {
        shares[to] += amount;
        totalShares += amount;
        pooled += amount;
    }

    function setPooled(uint256 amount) external {
        pooled = amount;
    }

    function setRounding(Rounding way) external {
        rounding = way;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function balanceOf(address account) public view returns (uint256) {
        return totalShares == 0 ? 0 : shares[account] * pooled / totalShares;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        uint256 added = rounding == Rounding.Down ? 0 : rounding == Rounding.HalfUp ? pooled / 2 : pooled - 1;
        uint256 moved = (amount * totalShares + added) / pooled;
        shares[from] -= moved;
        shares[to] += moved;
        emit Transfer(from, to, amount);
        return true;
    }
}
