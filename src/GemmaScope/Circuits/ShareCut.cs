namespace GemmaScope.Circuits;

/// <summary>
/// The value at which the largest of some values reach a share of their sum (METHODS §4.5 step 9). The values are visited a few times and
/// never kept: a histogram of their leading bits finds the digit, then only values with that digit count.
/// </summary>
internal static class ShareCut
{
    private const int DigitBits = 16,
        MostGathered = 1 << 20;

    /// <param name="visit">Calls its argument with every value, each time the same ones; none is negative or NaN.</param>
    /// <param name="share">From 0 to 1.</param>
    /// <returns>The value at the first place of the sorted values where the running sum reaches the share; 0 where all are 0.</returns>
    public static double Find(Action<Action<double>> visit, double share)
    {
        double wanted = double.NaN,
            above = 0;
        ulong prefix = 0;
        for (var shift = 64 - DigitBits; ; shift -= DigitBits)
        {
            var (sums, counts) = (new double[1 << DigitBits], new long[1 << DigitBits]);
            var (known, at) = (prefix, shift);
            visit(value =>
            {
                var bits = BitConverter.DoubleToUInt64Bits(value);
                if (value == 0 || !Begins(bits, known, at + DigitBits))
                    return;
                var digit = (int)(bits >> at) & ((1 << DigitBits) - 1);
                sums[digit] += value;
                counts[digit]++;
            });
            if (double.IsNaN(wanted))
                wanted = sums.Sum() * share;
            var found = Digit(sums, counts, wanted, ref above);
            if (found < 0)
                return 0;
            prefix |= (ulong)found << shift;
            if (shift == 0)
                return BitConverter.UInt64BitsToDouble(prefix);
            if (counts[found] <= MostGathered)
                return Gather(visit, prefix, shift, wanted, above);
        }
    }

    /// <summary>The digit in which the running sum reaches what is wanted; −1 where there is no value.</summary>
    private static int Digit(double[] sums, long[] counts, double wanted, ref double above)
    {
        var last = -1;
        for (var digit = sums.Length - 1; digit >= 0; digit--)
        {
            if (counts[digit] == 0)
                continue;
            last = digit;
            if (above + sums[digit] >= wanted)
                return digit;
            above += sums[digit];
        }
        // Rounding kept the whole sum below what is wanted: the smallest value.
        if (last >= 0)
            above -= sums[last];
        return last;
    }

    private static double Gather(Action<Action<double>> visit, ulong prefix, int shift, double wanted, double above)
    {
        var values = new List<double>();
        visit(value =>
        {
            if (value != 0 && Begins(BitConverter.DoubleToUInt64Bits(value), prefix, shift))
                values.Add(value);
        });
        values.Sort();
        for (var i = values.Count - 1; i > 0; i--)
            if ((above += values[i]) >= wanted)
                return values[i];
        return values[0];
    }

    private static bool Begins(ulong bits, ulong prefix, int shift) => shift >= 64 || bits >> shift == prefix >> shift;
}
