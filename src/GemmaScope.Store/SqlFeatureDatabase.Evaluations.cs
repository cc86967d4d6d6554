using System.Data.Common;

namespace GemmaScope.Store;

internal sealed partial class SqlFeatureDatabase
{
    public ILookup<long, StoredEvaluation> Evaluations() =>
        Read(statement =>
                statement.Rows(
                    """
                    SELECT dictionary, made_by, measured_on, tokens, held_out, l0, fvu, cosine, ce_clean, delta_loss, loss_recovered
                    FROM evaluation ORDER BY dictionary, made_by, measured_on
                    """,
                    row => (Dictionary: row.GetInt64(0), Evaluation: Evaluation(row))
                )
            )
            .ToLookup(one => one.Dictionary, one => one.Evaluation);

    public void SaveEvaluation(StoredDictionary dictionary, StoredEvaluation evaluation) =>
        Change(statement =>
        {
            if (statement.Number("SELECT id FROM dictionary WHERE id = @id", ("id", dictionary.Id)) is null)
                throw new GemmaScopeException($"the dictionary {dictionary.Name} is not there any more", _dialect.Location);
            statement.Run(
                "DELETE FROM evaluation WHERE dictionary = @dictionary AND made_by = @by AND measured_on = @on",
                ("dictionary", dictionary.Id),
                ("by", evaluation.MadeBy),
                ("on", evaluation.MeasuredOn)
            );
            return statement.Run(
                """
                INSERT INTO evaluation (
                    dictionary, made_by, measured_on, tokens, held_out, l0, fvu, cosine, ce_clean, delta_loss, loss_recovered)
                VALUES (@dictionary, @by, @on, @tokens, @heldOut, @l0, @fvu, @cosine, @clean, @delta, @recovered)
                """,
                ("dictionary", dictionary.Id),
                ("by", evaluation.MadeBy),
                ("on", evaluation.MeasuredOn),
                ("tokens", evaluation.Tokens),
                (
                    "heldOut",
                    evaluation.HeldOut is { } other
                        ? other
                            ? 1L
                            : 0L
                        : null
                ),
                ("l0", Finite(evaluation.L0)),
                ("fvu", Finite(evaluation.Fvu)),
                ("cosine", Finite(evaluation.Cosine)),
                ("clean", Finite(evaluation.CleanLoss)),
                ("delta", Finite(evaluation.DeltaLoss)),
                ("recovered", Finite(evaluation.LossRecovered))
            );
        });

    private static StoredEvaluation Evaluation(DbDataReader row)
    {
        double? Number(int column) => row.IsDBNull(column) ? null : row.GetDouble(column);
        return new(row.GetString(1), row.GetString(2), row.GetInt64(3))
        {
            HeldOut = row.IsDBNull(4) ? null : row.GetInt64(4) != 0,
            L0 = Number(5),
            Fvu = Number(6),
            Cosine = Number(7),
            CleanLoss = Number(8),
            DeltaLoss = Number(9),
            LossRecovered = Number(10),
        };
    }

    // What is not defined, such as the FVU of no token, is not stored.
    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
