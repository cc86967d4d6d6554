using System.Buffers;

namespace GemmaScope.Text;

/// <summary>
/// Byte-pair encoding over Unicode characters: of all neighbours that join, the pair of lowest rank joins first,
/// leftmost on a tie, until none is left. Text is cut beforehand where no merge can reach across, which changes
/// nothing and lets short words be remembered.
/// </summary>
internal sealed class BytePairEncoder(MergeRules rules, int vocabularySize)
{
    private const int LongestRemembered = 24;

    private readonly WordCache _cache = new();

    /// <summary>Encodes <paramref name="text"/>, which stands at <paramref name="offset"/> of the whole.</summary>
    public void Encode(ReadOnlySpan<char> text, int offset, TokenSink sink)
    {
        while (!text.IsEmpty)
        {
            var word = text[..rules.WordLength(text)];
            if (word.Length > LongestRemembered)
                MergeWord(word, offset, sink);
            else if (_cache.Find(word) is { } known)
                Repeat(known, offset, sink);
            else
            {
                var before = sink.Tokens.Length;
                MergeWord(word, offset, sink);
                _cache.Remember(word, sink.Tokens[before..], offset);
            }
            offset += word.Length;
            text = text[word.Length..];
        }
    }

    private static void Repeat(Token[] tokens, int offset, TokenSink sink)
    {
        foreach (var token in tokens)
            sink.Add(token.Id, offset + token.Start, offset + token.End);
    }

    private void MergeWord(ReadOnlySpan<char> word, int offset, TokenSink sink)
    {
        var symbols = ArrayPool<Symbol>.Shared.Rent(word.Length);
        // Each of n characters enters once, each of at most n − 1 merges renews two pairs.
        var heap = ArrayPool<ulong>.Shared.Rent(checked(3 * word.Length));
        var count = Split(word, symbols);
        Merge(symbols, count, new(heap));
        for (var i = 0; i >= 0; i = symbols[i].Next)
        {
            ref readonly var symbol = ref symbols[i];
            var end = symbol.Next < 0 ? word.Length : symbols[symbol.Next].Start;
            if ((uint)symbol.Id < (uint)vocabularySize)
                sink.Add(symbol.Id, offset + symbol.Start, offset + end);
            else
                sink.AddUnknown(word[symbol.Start..end], offset + symbol.Start);
        }
        ArrayPool<Symbol>.Shared.Return(symbols);
        ArrayPool<ulong>.Shared.Return(heap);
    }

    private int Split(ReadOnlySpan<char> word, Symbol[] symbols)
    {
        var count = 0;
        for (int i = 0, length; i < word.Length; i += length)
        {
            length = char.IsHighSurrogate(word[i]) ? 2 : 1;
            var codePoint = length == 1 ? word[i] : char.ConvertToUtf32(word[i], word[i + 1]);
            symbols[count] = new()
            {
                Id = rules.SymbolOf(codePoint),
                Start = i,
                Previous = count - 1,
                Next = count + 1,
            };
            count++;
        }
        symbols[count - 1].Next = -1;
        return count;
    }

    private void Merge(Symbol[] symbols, int count, MinHeap heap)
    {
        for (var i = 0; i < count; i++)
            Renew(symbols, i, ref heap);
        while (heap.TryPop(out var key))
        {
            var (rank, i) = ((uint)(key >> 32), (int)(uint)key);
            ref var left = ref symbols[i];
            // The pair that stood here when the key was made has changed or gone.
            if (left.Rank != rank)
                continue;
            ref var right = ref symbols[left.Next];
            right.Rank = MergeRules.NoMerge;
            left.Id = left.Merged;
            left.Next = right.Next;
            if (left.Next >= 0)
                symbols[left.Next].Previous = i;
            Renew(symbols, i, ref heap);
            if (left.Previous >= 0)
                Renew(symbols, left.Previous, ref heap);
        }
    }

    /// <summary>Looks up how symbol <paramref name="i"/> joins its right neighbour and queues it.</summary>
    private void Renew(Symbol[] symbols, int i, ref MinHeap heap)
    {
        ref var left = ref symbols[i];
        left.Rank = left.Next < 0 ? MergeRules.NoMerge : rules.Rank(left.Id, symbols[left.Next].Id, out left.Merged);
        if (left.Rank != MergeRules.NoMerge)
            heap.Push(((ulong)left.Rank << 32) | (uint)i);
    }

    private struct Symbol
    {
        public int Id,
            Start,
            Previous,
            Next,
            Merged;
        public uint Rank;
    }

    /// <summary>A binary heap of numbers, smallest first, in borrowed memory.</summary>
    private ref struct MinHeap(Span<ulong> memory)
    {
        private readonly Span<ulong> _keys = memory;
        private int _count;

        public void Push(ulong key)
        {
            var i = _count++;
            for (int parent; i > 0 && _keys[parent = (i - 1) / 2] > key; i = parent)
                _keys[i] = _keys[parent];
            _keys[i] = key;
        }

        public bool TryPop(out ulong key)
        {
            key = _count > 0 ? _keys[0] : 0;
            if (_count == 0)
                return false;
            var last = _keys[--_count];
            var i = 0;
            for (int child; (child = 2 * i + 1) < _count; i = child)
            {
                if (child + 1 < _count && _keys[child + 1] < _keys[child])
                    child++;
                if (_keys[child] >= last)
                    break;
                _keys[i] = _keys[child];
            }
            _keys[i] = last;
            return true;
        }
    }
}
