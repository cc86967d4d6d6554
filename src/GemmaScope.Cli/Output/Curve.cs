namespace GemmaScope.Cli.Output;

/// <summary>A curve in a line of text: the whole history, in so many marks.</summary>
internal sealed class Curve(int marks = 24)
{
    private const string Heights = "▁▂▃▄▅▆▇█";

    private readonly List<(double Sum, int Count)> _bins = [];
    private int _perBin = 1;

    public void Add(double value)
    {
        if (!double.IsFinite(value))
            return;
        if (_bins.Count == 0 || _bins[^1].Count == _perBin)
            _bins.Add((0, 0));
        _bins[^1] = (_bins[^1].Sum + value, _bins[^1].Count + 1);
        if (_bins.Count < 2 * marks || _bins[^1].Count < _perBin)
            return;
        // Twice too many marks: each two become one.
        for (var i = 0; i < marks; i++)
            _bins[i] = (_bins[2 * i].Sum + _bins[2 * i + 1].Sum, _bins[2 * i].Count + _bins[2 * i + 1].Count);
        _bins.RemoveRange(marks, marks);
        _perBin *= 2;
    }

    public override string ToString()
    {
        if (_bins.Count == 0)
            return "";
        double[] values = [.. _bins.Select(bin => bin.Sum / bin.Count)];
        var (low, high) = (values.Min(), values.Max());
        return string.Concat(
            values.Select(value => high > low ? Heights[(int)((value - low) / (high - low) * (Heights.Length - 1) + 0.5)] : Heights[0])
        );
    }
}
