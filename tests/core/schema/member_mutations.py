"""Kinds of tampering with the constraints, indexes and triggers of a table."""

from tests.core.schema.mutation import Mutation

CONSTRAINTS = [
    Mutation(
        "a check is dropped",
        "ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_heart_rate_check",
        "constraint missing: vital_signs.vital_signs_heart_rate_check",
    ),
    Mutation(
        "a check is loosened",
        """ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_heart_rate_check,
           ADD CONSTRAINT vital_signs_heart_rate_check CHECK ("heartRate" >= 0)""",
        "constraint changed: vital_signs.vital_signs_heart_rate_check",
    ),
    Mutation(
        "a check spares old rows",
        """ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_heart_rate_check,
           ADD CONSTRAINT vital_signs_heart_rate_check CHECK ("heartRate" BETWEEN 0 AND 350) NOT VALID""",
        "constraint not validated: vital_signs.vital_signs_heart_rate_check",
    ),
    Mutation(
        "a check is added",
        "ALTER TABLE students ADD CONSTRAINT c CHECK (grade <> '')",
        "constraint extra: students.c",
        mended=False,
    ),
    Mutation(
        "a constraint is renamed",
        "ALTER TABLE vital_signs RENAME CONSTRAINT vital_signs_heart_rate_check TO c",
        "constraint renamed: vital_signs.vital_signs_heart_rate_check",
    ),
    Mutation(
        "a foreign key is dropped",
        'ALTER TABLE students DROP CONSTRAINT "students_nurseId_fkey"',
        "constraint missing: students.students_nurseId_fkey",
    ),
    Mutation(
        "a foreign key cascades",
        """ALTER TABLE contacts DROP CONSTRAINT "contacts_relationTo_fkey", ADD CONSTRAINT "contacts_relationTo_fkey"
           FOREIGN KEY ("relationTo") REFERENCES students ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED""",
        "constraint changed: contacts.contacts_relationTo_fkey",
    ),
    Mutation(
        "a foreign key no longer waits for the commit",
        'ALTER TABLE contacts ALTER CONSTRAINT "contacts_relationTo_fkey" NOT DEFERRABLE',
        "constraint changed: contacts.contacts_relationTo_fkey",
    ),
    Mutation(
        "a foreign key spares old rows",
        """ALTER TABLE contacts DROP CONSTRAINT "contacts_relationTo_fkey", ADD CONSTRAINT "contacts_relationTo_fkey"
           FOREIGN KEY ("relationTo") REFERENCES students DEFERRABLE INITIALLY DEFERRED NOT VALID""",
        "constraint not validated: contacts.contacts_relationTo_fkey",
    ),
    Mutation(
        "all triggers of a table are off, those of its foreign key too",
        "ALTER TABLE contacts DISABLE TRIGGER ALL",
        "constraint not enforced: contacts.contacts_relationTo_fkey",
        (
            "trigger disabled: contacts.contacts_set_updated_at",
            "trigger disabled: contacts.contacts_refuse_delete",
        ),
    ),
    Mutation(
        "a foreign key is there but not enforced",
        'ALTER TABLE contacts ALTER CONSTRAINT "contacts_relationTo_fkey" NOT ENFORCED',
        "constraint not enforced: contacts.contacts_relationTo_fkey",
        since=180000,
    ),
    Mutation(
        "a foreign key of two columns is dropped",
        "ALTER TABLE students DROP CONSTRAINT students_school_district_fkey",
        "constraint missing: students.students_school_district_fkey",
    ),
    Mutation(
        "uniqueness is dropped",
        'ALTER TABLE students DROP CONSTRAINT "students_studentNumber_key"',
        "constraint missing: students.students_studentNumber_key",
    ),
    Mutation(
        "uniqueness is of other columns",
        """ALTER TABLE students DROP CONSTRAINT "students_studentNumber_key",
           ADD CONSTRAINT "students_studentNumber_key" UNIQUE ("studentNumber", grade)""",
        "constraint changed: students.students_studentNumber_key",
    ),
    Mutation(
        "uniqueness lets NULL repeat",
        """ALTER TABLE system_configurations DROP CONSTRAINT system_configurations_key_scope_key,
           ADD CONSTRAINT system_configurations_key_scope_key UNIQUE (key, scope, "scopeId")""",
        "constraint changed: system_configurations.system_configurations_key_scope_key",
    ),
    Mutation(
        "uniqueness of an expression is dropped",
        "DROP INDEX users_email_key",
        "index missing: users.users_email_key",
    ),
    Mutation(
        "a primary key is dropped",
        "ALTER TABLE vital_signs DROP CONSTRAINT vital_signs_pkey",
        "constraint missing: vital_signs.vital_signs_pkey",
    ),
    Mutation(
        "a constraint's index is renamed",
        'ALTER INDEX "students_studentNumber_key" RENAME TO k',
        "constraint renamed: students.students_studentNumber_key",
    ),
]

INDEXES = [
    Mutation("an index is dropped", "DROP INDEX students_school_idx", "index missing: students.students_school_idx"),
    Mutation("an index is added", "CREATE INDEX i ON students (grade)", "index extra: students.i", mended=False),
    Mutation(
        "an index is renamed",
        "ALTER INDEX students_school_idx RENAME TO i",
        "index renamed: students.students_school_idx",
    ),
    Mutation(
        "an index has other columns",
        'DROP INDEX students_name_idx; CREATE INDEX students_name_idx ON students ("firstName", "lastName")',
        "index changed: students.students_name_idx",
    ),
    Mutation(
        "an index loses its order",
        """DROP INDEX medication_logs_student_med_time_idx; CREATE INDEX medication_logs_student_med_time_idx
           ON medication_logs ("studentMedicationId", "timeGiven")""",
        "index changed: medication_logs.medication_logs_student_med_time_idx",
    ),
    Mutation(
        "an index loses its predicate",
        """DROP INDEX students_school_idx;
           CREATE INDEX students_school_idx ON students ("schoolId", "lastName", "firstName")""",
        "index changed: students.students_school_idx",
    ),
    Mutation(
        "an index becomes unique",
        'DROP INDEX students_name_idx; CREATE UNIQUE INDEX students_name_idx ON students ("lastName", "firstName")',
        "index changed: students.students_name_idx",
    ),
    Mutation(
        "an index loses the column that it includes",
        """DROP INDEX idx_vaccinations_student;
           CREATE INDEX idx_vaccinations_student ON vaccinations ("studentId", "administrationDate" DESC)""",
        "index changed: vaccinations.idx_vaccinations_student",
    ),
    Mutation(
        "an index compares in another way",
        """DROP INDEX students_district_name_idx; CREATE INDEX students_district_name_idx ON students
           ("districtId", search_text("lastName"), search_text("firstName"))""",
        "index changed: students.students_district_name_idx",
    ),
    Mutation(
        "an index is of another method",
        'DROP INDEX vital_signs_date_brin; CREATE INDEX vital_signs_date_brin ON vital_signs ("measurementDate")',
        "index changed: vital_signs.vital_signs_date_brin",
    ),
    Mutation(
        "an index is built with other parameters",
        "ALTER INDEX vital_signs_date_brin SET (pages_per_range = 128)",
        "index changed: vital_signs.vital_signs_date_brin",
    ),
    Mutation(
        "an index is invalid",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'students_school_idx'::regclass",
        "index invalid: students.students_school_idx",
    ),
    Mutation(
        "an index takes no new rows",
        "UPDATE pg_index SET indisready = false WHERE indexrelid = 'students_school_idx'::regclass",
        "index invalid: students.students_school_idx",
    ),
    Mutation(
        "a primary key's index is invalid",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'students_pkey'::regclass",
        "index invalid: students.students_pkey",
    ),
    Mutation(
        "a build that failed has left an index",
        """CREATE INDEX students_school_idx_ccnew ON students ("schoolId");
           UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'students_school_idx_ccnew'::regclass""",
        "index extra: students.students_school_idx_ccnew",
        mended=False,
    ),
]

TRIGGERS = [
    Mutation(
        "a trigger is dropped",
        "DROP TRIGGER students_refuse_delete ON students",
        "trigger missing: students.students_refuse_delete",
    ),
    Mutation(
        "a trigger that always fires is dropped",
        "DROP TRIGGER system_configurations_check_value ON system_configurations",
        "trigger missing: system_configurations.system_configurations_check_value",
    ),
    Mutation(
        "a trigger is disabled",
        "ALTER TABLE students DISABLE TRIGGER students_refuse_delete",
        "trigger disabled: students.students_refuse_delete",
    ),
    Mutation(
        "a trigger fires in replicas only",
        "ALTER TABLE students ENABLE REPLICA TRIGGER students_refuse_delete",
        "trigger mode: students.students_refuse_delete",
    ),
    Mutation(
        "a guard can be silenced",
        "ALTER TABLE configuration_history ENABLE TRIGGER configuration_history_refuse_change",
        "trigger mode: configuration_history.configuration_history_refuse_change",
    ),
    Mutation(
        "a trigger is added",
        "CREATE TRIGGER t BEFORE INSERT ON students FOR EACH ROW EXECUTE FUNCTION set_updated_at()",
        "trigger extra: students.t",
        mended=False,
    ),
    Mutation(
        "a trigger is renamed",
        "ALTER TRIGGER students_refuse_delete ON students RENAME TO t",
        "trigger renamed: students.students_refuse_delete",
    ),
    Mutation(
        "a trigger fires at another event",
        """DROP TRIGGER students_set_updated_at ON students; CREATE TRIGGER students_set_updated_at
           BEFORE INSERT ON students FOR EACH ROW EXECUTE FUNCTION set_updated_at()""",
        "trigger changed: students.students_set_updated_at",
    ),
    Mutation(
        "a trigger gets a condition",
        """DROP TRIGGER students_set_updated_at ON students; CREATE TRIGGER students_set_updated_at
           BEFORE UPDATE ON students FOR EACH ROW WHEN (false) EXECUTE FUNCTION set_updated_at()""",
        "trigger changed: students.students_set_updated_at",
    ),
    Mutation(
        "a trigger calls another function",
        """DROP TRIGGER students_refuse_delete ON students; CREATE TRIGGER students_refuse_delete
           BEFORE DELETE ON students FOR EACH ROW EXECUTE FUNCTION set_updated_at()""",
        "trigger changed: students.students_refuse_delete",
    ),
    Mutation(
        "the session silences all triggers",
        "SET LOCAL session_replication_role = replica",
        "triggers silenced: session_replication_role",
        mended=False,
    ),
]
