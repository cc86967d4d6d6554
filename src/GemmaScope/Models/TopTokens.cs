namespace GemmaScope.Models;

/// <summary>
/// Finds the most likely tokens without sorting all: those that may be among them are gathered in a buffer that is cut back to its best
/// half
/// whenever it is full. The buffers are kept.
/// </summary>
internal sealed class TopTokens
{
    /// <summary>Below so many candidates a larger buffer is cut back more rarely.</summary>
    private const int LeastRoom = 256;

    private ulong[] _keys = [];

    /// <summary>The token of a key.</summary>
    public static int Id(ulong key) => (int)(uint)key;

    /// <summary>Keys of the largest logits, the largest first, of equal ones the lower id; NaN is below all.</summary>
    /// <param name="logits">A logit for each token.</param>
    /// <param name="most">How many; all where there are fewer.</param>
    public ReadOnlySpan<ulong> Select(ReadOnlySpan<float> logits, int most)
    {
        most = Math.Min(most, logits.Length);
        var room = (int)Math.Min(logits.Length, most + (long)Math.Max(most, LeastRoom));
        if (_keys.Length < room)
            _keys = new ulong[room];
        var (count, limit) = (0, float.NegativeInfinity);
        for (var id = 0; id < logits.Length; id++)
        {
            var logit = logits[id];
            // Of equal ones the earlier stays, so what only equals the last of the best comes too late.
            if (logit <= limit && count >= most)
                continue;
            _keys[count++] = Key(logit, id);
            if (count < room || room == most)
                continue;
            _keys.AsSpan(0, count).Sort();
            (count, limit) = (most, logits[Id(_keys[most - 1])]);
            if (float.IsNaN(limit))
                limit = float.NegativeInfinity;
        }
        var found = _keys.AsSpan(0, count);
        found.Sort();
        return found[..most];
    }

    /// <summary>Keys rise as logits fall and ids rise.</summary>
    private static ulong Key(float logit, int id)
    {
        // −0 equals 0.
        var bits = BitConverter.SingleToUInt32Bits(float.IsNaN(logit) ? float.NegativeInfinity : logit + 0f);
        var rising = (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
        return (ulong)~rising << 32 | (uint)id;
    }
}
