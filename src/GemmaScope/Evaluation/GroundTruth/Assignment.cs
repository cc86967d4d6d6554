using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>
/// The one-to-one assignment of rows to columns with the largest sum: shortest augmenting paths with potentials (Jonker and Volgenant 1987),
/// begun with every row at its best column where that is free. At most rows² · columns steps, far fewer where most rows have one clear best.
/// </summary>
internal static class Assignment
{
    /// <summary>The column of each row.</summary>
    /// <param name="gains">[rows, columns], no more rows than columns.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static int[] Best(MatrixView gains, CancellationToken cancellationToken = default)
    {
        if (gains.Rows > gains.Columns)
            throw new ArgumentException("more rows than columns");
        var search = new Search(gains);
        for (var row = 0; row < gains.Rows; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (search.ColumnOf[row] < 0)
                search.Augment(row);
        }
        return search.ColumnOf;
    }

    private sealed class Search
    {
        private readonly MatrixView _gains;
        private readonly double[] _rowPotential,
            _columnPotential,
            _distance;
        private readonly int[] _rowOf,
            _from;
        private readonly bool[] _done;

        public Search(MatrixView gains)
        {
            _gains = gains;
            (ColumnOf, _rowPotential) = (new int[gains.Rows], new double[gains.Rows]);
            (_columnPotential, _distance) = (new double[gains.Columns], new double[gains.Columns]);
            (_rowOf, _from, _done) = (new int[gains.Columns], new int[gains.Columns], new bool[gains.Columns]);
            _rowOf.AsSpan().Fill(-1);
            for (var row = 0; row < gains.Rows; row++)
            {
                // Cost is −gain; at these potentials no reduced cost is negative, and each row's best column has 0.
                var best = TensorPrimitives.IndexOfMax<float>(gains.Row(row));
                _rowPotential[row] = -gains.Row(row)[best];
                ColumnOf[row] = _rowOf[best] < 0 ? best : -1;
                if (ColumnOf[row] >= 0)
                    _rowOf[best] = row;
            }
        }

        public int[] ColumnOf { get; }

        /// <summary>Gives a row a column, along the cheapest chain of rows that move over.</summary>
        public void Augment(int start)
        {
            _distance.AsSpan().Fill(double.PositiveInfinity);
            _done.AsSpan().Clear();
            var (row, reached) = (start, 0.0);
            int column;
            while (true)
            {
                column = Relax(row, reached);
                reached = _distance[column];
                _done[column] = true;
                if (_rowOf[column] < 0)
                    break;
                row = _rowOf[column];
            }
            Shift(start, reached);
            while (true)
            {
                var (mover, freed) = (_from[column], ColumnOf[_from[column]]);
                (ColumnOf[mover], _rowOf[column]) = (column, mover);
                if (mover == start)
                    return;
                column = freed;
            }
        }

        /// <summary>Shortens distances by the edges of a row; the nearest column that is not done.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private int Relax(int row, double reached)
        {
            var gains = _gains.Row(row);
            var offset = reached - _rowPotential[row];
            var (nearest, least) = (-1, double.PositiveInfinity);
            for (var column = 0; column < gains.Length; column++)
            {
                if (_done[column])
                    continue;
                var through = offset - gains[column] - _columnPotential[column];
                if (through < _distance[column])
                    (_distance[column], _from[column]) = (through, row);
                if (_distance[column] < least)
                    (nearest, least) = (column, _distance[column]);
            }
            return nearest;
        }

        private void Shift(int start, double reached)
        {
            _rowPotential[start] += reached;
            for (var column = 0; column < _done.Length; column++)
            {
                if (!_done[column])
                    continue;
                var slack = reached - _distance[column];
                _columnPotential[column] -= slack;
                if (_rowOf[column] >= 0)
                    _rowPotential[_rowOf[column]] += slack;
            }
        }
    }
}
